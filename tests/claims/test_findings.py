"""Numbers in prose against tables written for the purpose, by hand."""

from pathlib import Path

import pandas as pd
import pytest

from nao.claims.findings import filled, without_address


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    tree = tmp_path / "gallery"
    (tree / "experiments").mkdir(parents=True)
    claims = {"id": ["C3a", "C3a"], "estimator": ["paper", "sure"], "number": [-0.81, float("nan")]}
    pd.DataFrame(claims).to_parquet(tree / "claims.parquet")
    more = {"id": ["C3a", "C8e"], "estimator": ["paper", "mor"], "number": [-0.81, 1.04]}
    pd.DataFrame(more).to_parquet(tree / "claims_all.parquet")
    rows = [
        (value, estimator, "rmse", score)
        for value, oracle in ((0.1, 0.02), (0.3, 0.05))
        for estimator, score in (
            ("oracle_ridge", oracle),
            ("paper", 2 * oracle),
            ("paper", 8 * oracle),  # of another replicate: 4 is the geometric mean
        )
    ]
    table = pd.DataFrame(rows, columns=["value", "estimator", "metric", "score"])
    table["setting"] = pd.array([None] * len(table), dtype="string")
    table.to_parquet(tree / "experiments" / "noise.parquet")
    base = table[table["value"] == 0.1].assign(value=pd.array([None] * 3, dtype="Float64"))
    base.to_parquet(tree / "experiments" / "prior.parquet")
    doubled = base["score"] * base["estimator"].map({"oracle_ridge": 1, "paper": 2})
    laws = [base.assign(setting="gaussian"), base.assign(setting="sparse", score=doubled)]
    pd.concat(laws).to_parquet(tree / "experiments" / "priors.parquet")
    large = tmp_path / "large" / "experiments"
    large.mkdir(parents=True)
    table.assign(score=table["score"] ** 2).to_parquet(large / "noise.parquet")
    return tree


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("−0.5<!-- C3a paper -->", "−0.8<!-- C3a paper -->"),
        ("0.500<!-- C3a paper -->", "−0.810<!-- C3a paper -->"),
        ("12<!-- noise 0.3 paper --> times", "4.0<!-- noise 0.3 paper --> times"),
        ("0.072<!-- noise 0.3 paper rmse -->", "0.20<!-- noise 0.3 paper rmse -->"),
        ("| 1.00<!-- prior oracle_ridge --> |", "| 1.00<!-- prior oracle_ridge --> |"),
        ("0.111<!-- prior oracle_ridge rmse -->", "0.0200<!-- prior oracle_ridge rmse -->"),
        ("1.000<!-- C8e mor -->", "1.040<!-- C8e mor -->"),
        ("1.0<!-- priors gaussian paper -->", "4.0<!-- priors gaussian paper -->"),
        ("1.0<!-- priors sparse paper -->", "8.0<!-- priors sparse paper -->"),
        ("1.0<!-- large/noise 0.1 paper -->", "16<!-- large/noise 0.1 paper -->"),
        ("no number <!-- a comment --> at all", "no number <!-- a comment --> at all"),
    ],
)
def test_numbers_are_those_of_the_tables(tree: Path, before: str, after: str):
    assert filled(before, tree) == after


@pytest.mark.parametrize(
    "address",
    [
        "C9z paper",
        "C3a sure",
        "noise 0.2 paper",
        "noise 0.3 nobody",
        "noise",
        "noise paper",
        "nosie 0.3 paper",
        "noise 0.3 paper rmse rmse",
        "priors paper",
        "priors uniform paper",
        "small/noise 0.1 paper",
    ],
)
def test_an_address_that_leads_nowhere_is_named(tree: Path, address: str):
    with pytest.raises(ValueError, match=f"'{address}' leads to no number"):
        filled(f"1.0<!-- {address} -->", tree)


def test_fractions_without_an_address_are_found_but_for_settings():
    text = "At σ_ε = 0.1, 10,000 contexts: 1.73<!-- C2e paper --> and −1.97 or (0.5), in 3 of 10."
    assert without_address(text) == ["−1.97", "0.5"]
