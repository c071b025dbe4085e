"""The rules on tables whose truth is known: exact power laws, ordered scores, drawn priors."""

import re
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from nao.analysis.evaluation import Estimates, write_table
from nao.analysis.recovery import tabulate_recovered
from nao.analysis.sweeps import UNKNOWN, Interval
from nao.claims import RULES, judge, to_markdown
from nao.claims.verdicts import verdict
from nao.seeding import stream
from nao.targets import CLAIMS, claim_tables
from nao.tasks.problems import draw_problem, sample_contexts
from tests.evaluated import smoke_plan, smoke_tables
from tests.laws import problem_spec

N, R_W = 10, 2
SWEEPS = {
    "contexts": [100, 300, 1000, 3000],
    "noise": [0.03, 0.1, 0.3, 1.0],
    "task_dimension": [1, 2, 4, 7, 10, 14],
    "condition": [1.0, 3.0, 10.0],
    "context_length": [5, 7, 10, 14],
    "training_length": [100, 1000],
}


LABELS = {name: f"NAO {name}" for name in ("misfit", "heldout")}


def rows(experiment, estimator, score, replicates=None, objective=None, metric="rmse"):
    """Rows of one estimator whose score at a value is score(value, replicate)."""
    return [
        {
            "experiment": experiment,
            "value": value,
            "context_length": value if experiment == "context_length" else N,
            "task_dimension": value if experiment == "task_dimension" else R_W,
            "estimator": estimator,
            "objective": objective,
            "model": objective and "transformer",
            "replicate": replicate,
            "metric": metric,
            "score": score(value, replicate or 0),
        }
        for value in SWEEPS.get(experiment, [None])
        for replicate in ([None] if replicates is None else range(replicates))
    ]


def table(
    experiment,
    nao,
    oracle,
    two_stage=lambda v, k: 0.6,
    ridge=lambda v, k: 1.4,
    bound=None,
    law=None,
):
    gathered = rows(experiment, "ridge", ridge)
    gathered += rows(experiment, "two_stage_ridge", two_stage, 3)
    gathered += rows(experiment, "oracle_ridge", oracle)
    gathered += rows(experiment, "oracle_ridge", bound or oracle, metric="rmse_bound")
    gathered += rows(experiment, "oracle_ridge", law, metric="oracle_law") if law else []
    gathered += rows(experiment, "misfit", nao, 3, "misfit")
    texts = dict.fromkeys(["estimator", "model", "objective", "metric"], "string")
    return pd.DataFrame(gathered).astype(texts | {"replicate": "Int64", "value": "Float64"})


def wobble(replicate: int) -> float:
    """A spread of a per cent over replicates, the same at every value."""
    return 1 + 0.01 * replicate


def judged(experiment: str, rule: str, subject: str = "NAO misfit", **curves: Any) -> Any:
    claims = judge({experiment: table(experiment, **curves)}, LABELS)
    (row,) = claims[(claims["id"] == rule) & (claims["subject"] == subject)].itertuples()
    return row


class TestVerdict:
    @pytest.mark.parametrize(
        ("interval", "complete", "expected"),
        [
            ((0.5, 0.4, 0.6), True, "holds"),
            ((0.5, 0.4, 0.6), False, "partly"),
            ((0.5, -0.4, 0.6), True, "partly"),
            ((1.2, 0.9, 1.5), True, "partly"),
            ((1.5, 1.1, 1.9), True, "fails"),
            ((-1.5, -1.9, -1.1), False, "fails"),
            ((0.5, np.nan, np.nan), True, "holds"),
            ((1.5, np.nan, np.nan), True, "fails"),
        ],
    )
    def test_follows_from_where_the_interval_lies(self, interval, complete, expected):
        assert verdict(Interval(*interval), (0, 1), complete) == expected

    def test_without_a_number_nothing_is_decided(self):
        assert verdict(UNKNOWN, (0, 1), True) == "undecided"


class TestExponents:
    CASES = (
        ("noise", "C3", 1.0),
        ("task_dimension", "C4", 0.5),
        ("context_length", "C6", -0.5),
    )

    @pytest.mark.parametrize(("experiment", "claim", "law"), CASES)
    def test_the_law_itself_holds_and_its_exponent_is_reported(self, experiment, claim, law):
        found = judged(
            experiment,
            f"{claim}a",
            nao=lambda v, k: 2 * wobble(k) * v**law,
            oracle=lambda v, k: v**law,
        )
        assert found.verdict == "holds"
        assert found.number == pytest.approx(law)
        assert found.low == pytest.approx(law)
        assert (found.done, found.planned) == (3 * len(fitted(experiment)),) * 2

    @pytest.mark.parametrize(("experiment", "claim", "law"), CASES)
    def test_another_exponent_fails_though_it_be_the_oracles(self, experiment, claim, law):
        bent = law + 0.2
        curves: dict[str, Any] = {
            "nao": lambda v, k: 2 * wobble(k) * v**bent,
            "oracle": lambda v, k: v**bent,
        }
        assert judged(experiment, f"{claim}a", **curves).verdict == "fails"
        assert judged(experiment, f"{claim}a", "ORE", **curves).verdict == "fails"
        assert judged(experiment, f"{claim}b", **curves).verdict == "holds"

    @pytest.mark.parametrize(("experiment", "claim", "law"), CASES)
    def test_the_oracles_bend_is_not_held_against_the_network(self, experiment, claim, law):
        found = judged(
            experiment,
            f"{claim}b",
            nao=lambda v, k: 3 * wobble(k) * np.hypot(v**law, v),
            oracle=lambda v, k: np.hypot(v**law, v),
        )
        assert found.verdict == "holds"
        assert found.number == pytest.approx(0, abs=1e-12)

    def test_replicates_that_disagree_bear_it_out_partly(self):
        found = judged(
            "noise",
            "C3a",
            nao=lambda v, k: v ** (1 + 0.08 * (k - 1)),
            oracle=lambda v, k: v,
        )
        assert found.number == pytest.approx(1)
        assert found.low < 0.9 < 1.1 < found.high
        assert found.verdict == "partly"

    def test_a_failed_training_is_counted_and_withholds_the_verdict(self):
        found = judged(
            "noise",
            "C3a",
            nao=lambda v, k: np.nan if (v, k) == (1.0, 1) else wobble(k) * v,
            oracle=lambda v, k: v,
        )
        assert (found.done, found.planned) == (11, 12)
        assert found.number == pytest.approx(1)
        assert found.verdict == "partly"

    def test_points_beyond_half_of_n_stay_outside_the_fit(self):
        found = judged(
            "task_dimension",
            "C4a",
            nao=lambda v, k: wobble(k) * (np.sqrt(v) if v < N / 2 else 100 * v**5),
            oracle=lambda v, k: v,
        )
        assert found.verdict == "holds"
        assert found.note == "over 1, 2, 4"

    def test_conditioning_is_held_against_the_oracle_and_its_bound(self):
        curves: dict[str, Any] = {
            "nao": lambda v, k: 2 * wobble(k) * v**0.2,
            "oracle": lambda v, k: v**0.2,
            "bound": lambda v, k: v**0.5,
        }
        assert judged("condition", "C5a", **curves).verdict == "holds"
        found = judged("condition", "C5b", **curves)
        assert found.verdict == "fails"
        assert found.number == pytest.approx(-0.3)
        assert judged("condition", "C5b", "ORE", **curves).verdict == "fails"

    @pytest.mark.parametrize(
        ("experiment", "claim", "law", "own"),
        [
            ("task_dimension", "C4", lambda r, k: 0.1 * np.sqrt(r / max(N - r - 1, 0.1)), "0.67"),
            ("context_length", "C6", lambda n, k: 0.1 * np.sqrt(R_W / (n - R_W - 1)), "-0.82"),
        ],
    )
    def test_the_oracles_own_law_is_no_square_root(self, experiment, claim, law, own):
        """Its exponents over the grids of scale laptop, and what follows it and what does not."""
        letter = "d" if claim == "C4" else "c"
        curves: dict[str, Any] = {"oracle": law, "law": law}
        near = judged(experiment, f"{claim}a", nao=lambda v, k: 2 * wobble(k) * law(v, k), **curves)
        assert near.verdict == "fails"
        assert near.note.endswith(f"; the oracle's own law has {own} there")
        follows = judged(experiment, claim + letter, nao=lambda v, k: 2 * law(v, k), **curves)
        assert follows.verdict == "holds"
        assert follows.number == pytest.approx(0, abs=1e-12)
        root = judged(experiment, claim + letter, nao=lambda v, k: v**0.5, **curves)
        assert root.verdict == "fails"
        assert judged(experiment, claim + letter, "ORE", nao=law, **curves).verdict == "holds"


def fitted(experiment):
    values = SWEEPS[experiment]
    if experiment == "task_dimension":
        return [r for r in values if 2 * r < N]
    return [n for n in values if n > 2 * R_W] if experiment == "context_length" else values


class TestOrder:
    def test_holds_where_every_replicate_is_in_order(self):
        found = judged("prior", "C2a", nao=lambda v, k: 0.1 * wobble(k), oracle=lambda v, k: 0.05)
        assert found.verdict == "holds"
        assert found.low == pytest.approx(2)
        assert found.note == "ORE < NAO in 3, NAO < TRE in 3, TRE < RE in 3"

    def test_one_replicate_out_of_order_is_seen(self):
        found = judged(
            "prior", "C2a", nao=lambda v, k: 0.9 if k == 1 else 0.1, oracle=lambda v, k: 0.05
        )
        assert found.verdict == "partly"
        assert found.note == "ORE < NAO in 3, NAO < TRE in 2, TRE < RE in 3"

    def test_fails_where_no_replicate_is_in_order(self):
        found = judged("prior", "C2a", nao=lambda v, k: 0.9, oracle=lambda v, k: 0.05)
        assert found.verdict == "fails"
        assert found.number == pytest.approx(0.6 / 0.9)

    def test_pairs_each_replicate_with_the_two_stage_ridge_of_its_own_contexts(self):
        found = judged(
            "prior",
            "C2a",
            nao=lambda v, k: 0.1 * (1 + k),
            two_stage=lambda v, k: 0.11 * (1 + k),
            oracle=lambda v, k: 0.01,
        )
        assert found.verdict == "holds", "0.3 exceeds 0.11, but not its own replicate's 0.33"

    @pytest.mark.parametrize(("nao", "expected"), [(0.052, "holds"), (0.06, "fails")])
    def test_how_near_to_the_oracle(self, nao, expected):
        found = judged("prior", "C2e", nao=lambda v, k: nao * wobble(k), oracle=lambda v, k: 0.05)
        assert found.verdict == expected
        assert found.number == pytest.approx(nao / 0.05, rel=0.02)


class TestContexts:
    def test_a_falling_ratio_holds_and_a_rising_one_fails(self):
        for power, expected in ((-0.3, "holds"), (0.3, "fails")):
            found = judged(
                "contexts",
                "C2b",
                nao=lambda v, k, power=power: wobble(k) * v**power,
                oracle=lambda v, k: 0.05,
            )
            assert found.verdict == expected
            assert found.number == pytest.approx(power)

    @pytest.mark.parametrize(("few", "expected"), [(0.9, "holds"), (0.3, "fails")])
    def test_who_wins_with_few_contexts(self, few, expected):
        found = judged(
            "contexts",
            "C2c",
            nao=lambda v, k: wobble(k) * (few if v == 100 else 0.1),
            oracle=lambda v, k: 0.05,
        )
        assert found.verdict == expected
        assert found.number == pytest.approx(few / 0.6, rel=0.02)
        assert "n_s = 100;" in found.note
        assert found.note.endswith("300, 1000, 3000")

    @pytest.mark.parametrize(("many", "expected"), [(0.1, "holds"), (0.5, "fails")])
    def test_nearer_to_the_oracle_than_to_the_two_stage_ridge(self, many, expected):
        found = judged(
            "contexts", "C2d", nao=lambda v, k: wobble(k) * many, oracle=lambda v, k: 0.05
        )
        assert found.verdict == expected
        assert found.number == pytest.approx(many / np.sqrt(0.05 * 0.6), rel=0.02)


BLOWN_UP: dict[str, Any] = {
    "nao": lambda v, k: wobble(k) * np.sqrt(v) * (1 if v < N / 2 else 5),
    "oracle": lambda v, k: np.sqrt(v) * (1 if v < N / 2 else 3),
    "ridge": lambda v, k: np.sqrt(v),
}


class TestBlowUp:
    @pytest.mark.parametrize(
        ("subject", "excess", "expected"),
        [("NAO misfit", 5, "holds"), ("ORE", 3, "holds"), ("RE", 1, "fails")],
    )
    def test_each_estimator_is_held_against_the_law(self, subject, excess, expected):
        found = judged("task_dimension", "C4c", subject, **BLOWN_UP)
        assert found.number == pytest.approx(excess)
        assert found.verdict == expected

    def test_without_a_point_beyond_n_nothing_is_decided(self):
        short = table("task_dimension", **BLOWN_UP).query("value < 10")
        claims = judge({"task_dimension": short}, LABELS)
        assert set(claims.loc[claims["id"] == "C4c", "verdict"]) == {"undecided"}


class TestTraining:
    """C10 on trainings of two lengths, whose misfits and errors are given."""

    def claims(self, misfit_of, error_of) -> pd.DataFrame:
        gathered = rows("training_length", "oracle_ridge", lambda v, k: 0.1)
        gathered += rows("training_length", "oracle_ridge", lambda v, k: 0.01, metric="misfit")
        for objective in ("misfit", "heldout"):
            for metric, of in (("misfit", misfit_of), ("rmse", error_of)):

                def score(steps, replicate, of=of, objective=objective):
                    return of(objective, steps) * wobble(replicate)

                gathered += rows("training_length", objective, score, 3, objective, metric)
        texts = dict.fromkeys(["estimator", "model", "objective", "metric"], "string")
        table = pd.DataFrame(gathered).astype(texts | {"replicate": "Int64", "value": "Float64"})
        claims = judge({"training_length": table}, LABELS)
        return claims[claims["id"].str.startswith("C10")].set_index("id")

    def test_a_degenerate_loss_that_held_out_rows_mend(self):
        claims = self.claims(
            lambda objective, steps: (5 if objective == "misfit" else 20) / steps,
            lambda objective, steps: 0.3 if objective == "misfit" else 120 / steps,
        )
        assert list(claims["verdict"]) == ["holds"] * 3
        assert claims.loc["C10a", "number"] == pytest.approx(0.5, rel=0.02), "of the longest"
        assert claims.loc["C10b", "number"] == pytest.approx(2, rel=0.02)
        assert claims.loc["C10c", "number"] == pytest.approx(0.4, rel=0.02)
        assert "at 1000 steps; RMSE 3.03 × ORE's" in str(claims.loc["C10a", "note"])

    def test_a_loss_that_does_no_harm_fails_every_part(self):
        claims = self.claims(
            lambda objective, steps: 0.02 if objective == "misfit" else 0.005,
            lambda objective, steps: 0.2 if objective == "misfit" else 0.4,
        )
        assert list(claims["verdict"]) == ["fails"] * 3


class TestPrior:
    """Estimates drawn from the prior itself, as those of a perfect estimator without noise."""

    SPEC = problem_spec(12)
    COUNT = 400

    def claims(self, distort, failed=()):
        problem = draw_problem(self.SPEC, seed=3)
        test = sample_contexts(problem, 6, self.COUNT, stream(5, "test"))
        assert test.w is not None
        # Replicates see the same test contexts and differ by a little.
        spread = 0.02 * stream(5, "spread").standard_normal((3, *test.w.shape))
        w_hat = np.stack([distort(test.w + each, problem) for each in spread])
        w_hat[list(failed)] = np.nan
        recovered = tabulate_recovered(Estimates(w_hat, (0, 1, 2)), test.x, problem)
        moments = recovered.assign(estimator="misfit", test_contexts=self.COUNT, task_dimension=2)
        claims = judge({"prior_moments": moments}, LABELS)
        return claims[claims["id"].str.match("C1[a-z]")].set_index("id")

    def test_draws_from_the_prior_bear_it_out(self):
        claims = self.claims(lambda w, problem: w)
        assert list(claims["verdict"]) == ["holds"] * 4
        assert claims.loc["C1c", "number"] == 2
        assert (claims["done"] == 3).all()

    def test_a_shrunk_mean_fails_and_is_measured(self):
        claims = self.claims(lambda w, problem: w - 0.5 * problem.prior_mean)
        assert claims.loc["C1a", "verdict"] == "fails"
        assert claims.loc["C1a", "number"] == pytest.approx(0.5, abs=0.15)
        assert claims.loc["C1b", "verdict"] == "holds"

    def test_a_doubled_spread_fails(self):
        claims = self.claims(lambda w, problem: 2 * w)
        assert claims.loc["C1b", "verdict"] == "fails"
        assert claims.loc["C1b", "number"] == pytest.approx(3, rel=0.2), "4 Σ_w − Σ_w"
        assert claims.loc["C1c", "verdict"] == "holds"

    def test_a_spectrum_without_a_drop_fails(self):
        noise = np.random.default_rng(0)
        claims = self.claims(lambda w, problem: w + noise.standard_normal(w.shape))
        assert claims.loc["C1d", "verdict"] == "fails"

    def test_failed_replicates_are_counted(self):
        claims = self.claims(lambda w, problem: w, failed=[1])
        assert (claims["done"] == 2).all()
        assert (claims["planned"] == 3).all()
        assert "holds" not in set(claims["verdict"])


class TestDepth:
    LAYERS = (2, 4, 8)

    def claims(self, low, high, failed=()):
        """Of a learner whose RMSE with L layers is low(L) and high(L), and steps that reach 8/L."""
        spread = [
            {"setting": setting, "value": L, "replicate": k, "score": error(L) * wobble(k)}
            for setting, error in (("low", low), ("high", high))
            for L in self.LAYERS
            for k in range(3)
        ]
        learned = pd.DataFrame(spread).assign(estimator="heldout", model="transformer")
        learned.loc[learned["replicate"].isin(failed), "score"] = np.nan
        steps = learned[learned["replicate"] == 0].assign(estimator="oracle_ridge", model=None)
        steps["layers"], steps["score"] = steps["value"], 8 / steps["value"]
        steps = steps.assign(metric="polynomial_rmse", replicate=None)
        table = pd.concat([learned.assign(metric="rmse"), steps], ignore_index=True)
        table = table.astype({"model": "string", "replicate": "Int64"})
        return judge({"depth": table}, LABELS).set_index("id")

    def test_an_error_that_falls_where_the_rank_is_high_alone_bears_it_out(self):
        claims = self.claims(low=lambda L: 1 + 0.1 / L, high=lambda L: 6 / L)
        assert list(claims["verdict"]) == ["holds"] * 3
        assert claims.loc["C7a", "number"] == pytest.approx(1.05 / 1.0125)
        assert claims.loc["C7b", "number"] == pytest.approx(4)
        assert claims.loc["C7c", "number"] == pytest.approx(4 * 1.0125 / 1.05)
        assert claims.loc["C7b", "note"] == "L = 2 against 8; as many gradient steps at best 4"
        assert list(claims["done"]) == list(claims["planned"]) == [9, 9, 18]

    def test_depth_that_gains_alike_or_never_fails(self):
        alike = self.claims(low=lambda L: 6 / L, high=lambda L: 6 / L)["verdict"]
        assert list(alike) == ["fails", "holds", "fails"]
        never = self.claims(low=lambda L: 1.0, high=lambda L: 1.0 + L)["verdict"]
        assert list(never) == ["holds", "fails", "fails"]

    def test_the_best_number_of_layers_need_not_be_the_largest(self):
        errors = {2: 3.0, 4: 1.0, 8: 2.0}
        claims = self.claims(low=errors.get, high=errors.get)
        assert claims.loc["C7a", "number"] == pytest.approx(3)
        assert str(claims.loc["C7a", "note"]).startswith("L = 2 against 4")

    def test_a_failed_replicate_is_missed_and_all_of_them_undecided(self):
        claims = self.claims(low=lambda L: 1.0, high=lambda L: 6 / L, failed=[1])
        assert list(claims["verdict"]) == ["partly"] * 3
        none = self.claims(low=lambda L: 1.0, high=lambda L: 6 / L, failed=range(3))
        assert list(none["verdict"]) == ["undecided"] * 3


class TestShifts:
    SHIFTED = ("noise", "condition", "task_dimension", "subspace")
    HOME, ELSEWHERE = 1.0, (2.0, 4.0)

    def tables(self, nao):
        """NAO's error is nao(sweep, value) times the old oracle's, and RE's five times that."""
        return {f"shifted_{name}": self.table(name, nao) for name in self.SHIFTED}

    def table(self, name, nao):
        gathered = []
        for value in (self.HOME, *self.ELSEWHERE):
            oracle = {"value": value, "estimator": "oracle_ridge", "score": value}
            gathered.append(oracle | {"metric": "rmse"})
            gathered.append(oracle | {"estimator": "ridge", "metric": "rmse", "score": 5 * value})
            for k in range(3):
                own = {"estimator": "misfit", "model": "transformer", "replicate": k}
                score = value * nao(name, value) * wobble(k)
                gathered.append(oracle | own | {"metric": "rmse", "score": score})
                if value == self.HOME:
                    seen = {"metric": "memorised_rmse", "score": 0.8 * value * wobble(k)}
                    gathered.append(oracle | own | seen)
        gathered.append(oracle | {"metric": "expected_rmse", "value": self.HOME})
        texts = dict.fromkeys(["estimator", "model", "metric"], "string")
        return pd.DataFrame(gathered).astype(texts | {"replicate": "Int64"})

    def judged(self, nao):
        return judge(self.tables(nao), LABELS).set_index("id")

    def test_as_the_old_oracle_everywhere(self):
        claims = self.judged(lambda name, value: 1.05)
        assert list(claims["verdict"]) == ["holds"] * 5 + ["fails"]
        assert claims.loc["C14a", "number"] == pytest.approx(1.05 * 1.01, rel=1e-3)
        assert claims.loc["C14e", "number"] == pytest.approx(1.05 * 1.01 / 5, rel=1e-3)
        assert list(claims["done"]) == list(claims["planned"]) == [6, 6, 6, 6, 24, 6]

    def test_the_worst_shifted_point_decides_and_is_named(self):
        def nao(name, value):
            return 7.0 if (name, value) == ("condition", 2.0) else 1.0

        claims = self.judged(nao)
        assert list(claims["verdict"]) == ["holds", "fails", "holds", "holds", "fails", "fails"]
        told = "at shifted_condition = 2; where it was fitted 1.01"
        assert claims.loc["C14b", "note"] == told
        assert claims.loc["C14e", "number"] == pytest.approx(7 * 1.01 / 5, rel=1e-3)

    def test_where_it_was_fitted_is_no_shift(self):
        claims = self.judged(lambda name, value: 3.0 if value == self.HOME else 1.0)
        assert claims.loc["C14a", "verdict"] == "holds"
        assert str(claims.loc["C14a", "note"]).endswith("where it was fitted 3.03")

    def test_a_sweep_of_the_base_point_alone_is_undecided(self):
        tables = {
            name: table[table["value"] == self.HOME]
            for name, table in self.tables(lambda name, value: 1.0).items()
        }
        claims = judge(tables, LABELS)
        shifted = claims[claims["id"] != "C14f"]
        assert set(shifted["verdict"]) == {"undecided"}
        assert set(shifted["note"]) == {"no other law was tested"}

    def test_three_errors_are_told_and_the_first_two_compared(self):
        claims = self.judged(lambda name, value: 0.8)
        assert claims.loc["C14f", "verdict"] == "holds"
        assert claims.loc["C14f", "number"] == pytest.approx(1)
        told = "RMSE memorised 0.808, in distribution 0.808, out of it up to: noise 3.23, "
        assert str(claims.loc["C14f", "note"]).startswith(told)
        worse = self.judged(lambda name, value: 1.0)
        assert worse.loc["C14f", "number"] == pytest.approx(1.25)
        assert worse.loc["C14f", "verdict"] == "fails"


def in_settings(experiment: str, errors: dict[str, dict[str, float]], **columns) -> pd.DataFrame:
    """Of every estimator its RMSE by setting, in two replicates that differ by 2 %."""
    models = {"oracle_ridge": None, "posterior_mean": None, "mor": "mixture_of_ridges"}
    return pd.DataFrame(
        [
            {
                "experiment": experiment,
                "setting": setting,
                "value": 40.0,
                "estimator": name,
                "model": models.get(name, "transformer"),
                "replicate": replicate,
                "metric": "rmse",
                "score": error * (1.01 if replicate else 0.99),
                "reason": None,
            }
            | columns
            for name, by_setting in errors.items()
            for setting, error in by_setting.items()
            for replicate in (0, 1)
        ]
    ).astype({"replicate": "Int64", "value": "Float64"})


class TestBeyondTheGaussian:
    def verdicts(self, errors: dict[str, dict[str, float]], experiment: str = "priors"):
        claims = judge({experiment: in_settings(experiment, errors)}, LABELS)
        return {(row.id, row.estimator): row for row in claims.itertuples()}

    def test_as_near_to_the_oracle_as_under_the_gaussian(self):
        oracle = {"gaussian": 1.0, "uniform": 2.0, "sparse": 3.0}
        near = {"gaussian": 1.5, "uniform": 3.1, "sparse": 4.0}
        far = {"gaussian": 1.5, "uniform": 3.0, "sparse": 6.0}
        found = self.verdicts({"oracle_ridge": oracle, "near": near, "far": far})
        assert found["C8a", "near"].verdict == "holds"
        assert found["C8a", "near"].number == pytest.approx(3.1 / 2 / 1.5)
        assert found["C8a", "far"].verdict == "fails"
        assert found["C8a", "far"].number == pytest.approx(2 / 1.5)
        assert "sparse 1.33" in str(found["C8a", "far"].note)

    def test_the_harder_mixture_decides_and_mixtures_of_ridges_are_asked_too(self):
        errors = {
            "oracle_ridge": {"mixture4": 4.0, "mixture16": 8.0},
            "posterior_mean": {"mixture4": 1.0, "mixture16": 1.0},
            "nao": {"mixture4": 2.0, "mixture16": 9.0},
            "mor": {"mixture4": 1.02, "mixture16": 1.04},
        }
        found = self.verdicts(errors)
        assert (found["C8d", "nao"].verdict, found["C8d", "mor"].verdict) == ("fails", "holds")
        assert (found["C8e", "nao"].verdict, found["C8e", "mor"].verdict) == ("fails", "holds")
        assert found["C8e", "mor"].number == pytest.approx(1.04)

    def test_who_adapts_passes_what_knows_the_mean_level_alone(self):
        oracle = {"one": 1.0, "ten": 1.0}
        errors = {"oracle_ridge": oracle, "adapts": oracle | {"ten": 0.9}}
        found = self.verdicts(errors | {"does_not": oracle | {"ten": 1.2}}, "noise_spread")
        assert found["C8c", "adapts"].verdict == "holds"
        assert found["C8c", "does_not"].verdict == "fails"

    @pytest.mark.parametrize(
        ("ratio", "expected"), [(1.05, "holds"), (0.95, "holds"), (1.3, "fails"), (0.7, "fails")]
    )
    def test_calibration_is_judged_where_it_is_furthest_off(self, ratio, expected):
        true = {"gaussian": 1.0, "uniform": 2.0}
        predicted = {"gaussian": 1.01, "uniform": 2.0 * ratio}
        both = pd.concat(
            [
                in_settings("priors", {"mor": true}),
                in_settings("priors", {"mor": predicted}, metric="posterior_rmse"),
            ],
            ignore_index=True,
        )
        claims = judge({"priors": both}, LABELS).set_index("id")
        assert claims.loc["C8f", "verdict"] == expected
        assert claims.loc["C8f", "number"] == pytest.approx(ratio)

    @pytest.mark.parametrize(("half", "expected"), [(1.04, "holds"), (1.1, "fails")])
    def test_experts_are_enough_where_the_last_doubling_brings_little(self, half, expected):
        by_number = {8.0: 3.0, 16.0: half, 32.0: 1.0}
        table = pd.concat(
            [
                in_settings("experts", {"mor": {"mixture4": 1.0, "mixture16": error}}, value=number)
                for number, error in by_number.items()
            ],
            ignore_index=True,
        )
        claims = judge({"experts": table}, LABELS).set_index("id")
        assert claims.loc["C8g", "verdict"] == expected
        assert claims.loc["C8g", "number"] == pytest.approx(half)
        assert "mixture4 1" in str(claims.loc["C8g", "note"])


class TestAblations:
    def verdicts(self, errors: dict[str, float]):
        table = in_settings("ablations", {name: {"": error} for name, error in errors.items()})
        claims = judge({"ablations": table}, LABELS)
        return {(row.id, row.estimator): (row.verdict, row.number) for row in claims.itertuples()}

    def test_each_change_is_held_against_what_differs_in_it_alone(self):
        found = self.verdicts(
            {
                "ridge": 1.5,
                "paper_random": 0.2,
                "paper_softmax": 0.5,
                "uncoded": 0.2,
                "heldout_softmax": 0.1,
                "paper_two_layers": 0.6,
                "paper_unnormed": 0.9,
                "paper_one_layer": 1.45,
            }
        )
        assert found["C9a", "paper_softmax"] == ("holds", pytest.approx(2.5))
        assert found["C9a", "heldout_softmax"] == ("fails", pytest.approx(0.5))
        assert found["C9b", "paper_unnormed"] == ("fails", pytest.approx(0.6))
        assert found["C9c", "paper_one_layer"] == ("holds", pytest.approx(1.45 / 1.5))
        assert found["C9d", "paper_unnormed"] == ("holds", pytest.approx(1.5))

    def test_networks_against_rivals_the_best_of_the_learned_ones(self):
        found = self.verdicts(
            {
                "paper": 0.4,
                "heldout": 0.1,
                "empirical_bayes": 0.095,
                "two_stage_ridge_debiased": 0.2,
                "upg": 0.3,
                "rtt": 0.25,
            }
        )
        assert found["C11a", "paper"][0] == "fails"
        assert found["C11a", "heldout"] == ("holds", pytest.approx(0.1 / 0.095))
        assert found["C11b", "paper"] == ("fails", pytest.approx(2))
        assert found["C11c", "heldout"] == ("holds", pytest.approx(0.4))
        assert found["C11c", "paper"] == ("fails", pytest.approx(1.6))


class TestRivals:
    """Every learner at one error, but for exceptions: by setting, value, estimator, replicate."""

    SCORES: ClassVar = {"ridge": 5.0, "ridge_l_curve": 4.0, "two_stage_ridge": 3.0}
    SCORES |= {"oracle_ridge": 1.9, "heldout": 2.0, "morb": 2.0}
    MODELS: ClassVar = {"heldout": "transformer", "morb": "mixture_of_ridges"}
    NONLOCAL = ("nonlocal_cosines", 40, "heldout")

    def table(self, experiment, points, metric="rmse", exceptions=None):
        found = [
            {
                "experiment": experiment,
                "setting": setting,
                "value": value,
                "estimator": name,
                "model": self.MODELS.get(name),
                "objective": "heldout" if name in self.MODELS else None,
                "replicate": replicate,
                "metric": metric,
                "score": (exceptions or {}).get((setting, value, name, replicate), score),
            }
            for setting, value in points
            for name, score in self.SCORES.items()
            for replicate in (0, 1)
        ]
        return pd.DataFrame(found)

    def operators(self, exceptions=None, metric="rmse"):
        settings = ("integral_cosines", "nonlocal_cosines", "nonlocal_bump")
        points = [(setting, 40) for setting in settings]
        norms = ("rmse", "median_error", "prediction_rmse")
        found = [
            self.table("operators", points, norm, exceptions if norm == metric else None)
            for norm in norms
        ]
        return self.judged(operators=pd.concat(found, ignore_index=True))

    def digits(self, exceptions=None):
        points = [("images", 8), ("images", 16)]
        return self.judged(digits=self.table("digits", points, "rmse", exceptions))

    def judged(self, **tables):
        return judge(tables, LABELS).set_index("id")

    def test_every_operator_norm_and_replicate_counts(self):
        assert list(self.operators()["verdict"]) == ["holds", "holds"]
        for metric, verdicts in {
            "rmse": ["partly", "holds"],
            "median_error": ["partly", "holds"],
            "prediction_rmse": ["holds", "partly"],
        }.items():
            claims = self.operators({(*self.NONLOCAL, 1): 3.5}, metric)
            assert list(claims["verdict"]) == verdicts, metric
            note = claims.loc[claims["verdict"] == "partly", "note"].iloc[0]
            assert note.startswith(metric)
            assert note.endswith("in nonlocal_cosines, 40")
        claims = self.operators({(*self.NONLOCAL, replicate): 3.5 for replicate in (0, 1)})
        assert claims.loc["C12a", "verdict"] == "fails"
        assert claims.loc["C12a", "number"] == pytest.approx(3.5 / 3)

    def test_the_other_prior_and_a_rival_without_an_answer_do_not_count(self):
        away = {("nonlocal_bump", 40, "heldout", 1): 9.0}
        assert list(self.operators(away)["verdict"]) == ["holds", "holds"]
        gone = {("nonlocal_cosines", 40, "two_stage_ridge", r): np.nan for r in (0, 1)}
        failing = {(*self.NONLOCAL, r): 3.5 for r in (0, 1)}
        assert self.operators(failing | gone).loc["C12a", "verdict"] == "holds"

    def test_a_failed_training_is_none_that_errs_less(self):
        claims = self.digits({("images", 8, "heldout", 1): np.nan})
        assert claims.loc["C13a", "verdict"] == "partly"
        judged = claims.loc["C13a"].to_dict()
        assert judged["done"] < judged["planned"]

    def test_images(self):
        claims = self.digits()
        assert list(claims["verdict"]) == ["holds", "holds", "fails"]
        assert claims.loc["C13c", "estimator"] == "morb"
        assert claims.loc["C13c", "number"] == pytest.approx(2 / 1.9)
        passing = {("images", n, "morb", r): 0.5 for n in (8, 16) for r in (0, 1)}
        assert self.digits(passing).loc["C13c", "verdict"] == "holds"


class TestTable:
    def test_every_rule_is_judged_on_the_plans_tables(self):
        labels = {name: learner.label for name, learner in smoke_plan().learners.items()}
        claims = judge(smoke_tables(), labels)
        assert list(dict.fromkeys(claims["id"])) == [rule.id for rule in RULES]
        assert set(claims["verdict"]) <= {"holds", "partly", "fails", "undecided"}
        assert (claims["done"] <= claims["planned"]).all()
        estimators = claims.groupby("id")["estimator"].agg(list)
        studied = ["paper", "paper_permuted", "misfit", "heldout"]
        alone = {"C10a": studied[:3], "C10b": ["heldout"], "C10c": ["heldout"]}
        alone |= {f"C7{part}": ["heldout"] for part in "abc"}
        alone |= {f"C8{part}": ["paper", "heldout"] for part in "abcde"}
        alone |= {f"C9{part}": [] for part in "abcd"} | {"C8f": [], "C8g": []}
        alone |= {f"C11{part}": ["paper", "heldout"] for part in "abc"}
        alone |= {f"C14{part}": ["paper", "misfit", "heldout"] for part in "abcdef"}
        alone |= {name: ["paper", "heldout"] for name in ("C12a", "C12b", "C13a", "C13b")}
        alone |= {"C13c": []}
        for claim, judged_for in estimators.items():
            learners = [name for name in judged_for if name in studied]
            assert learners == alone.get(str(claim), studied), f"{claim}: the paper's first"
        of_paper = claims[claims["estimator"] == "paper"]
        assert set(of_paper["subject"]) == {smoke_plan().learners["paper"].label}

    @pytest.mark.parametrize("name", CLAIMS)
    def test_the_workflow_gives_the_rules_their_tables(self, name):
        given = set(claim_tables(name))
        judged_by = [set(rule.tables) for rule in RULES if set(rule.tables) <= given]
        assert set().union(*judged_by) == given
        assert (len(judged_by) == len(RULES)) == (name == "claims_all")

    def test_a_rule_is_judged_where_all_its_tables_are(self):
        tables = {name: t for name, t in smoke_tables().items() if name != "shifted_noise"}
        judged_of = set(judge(tables, LABELS)["id"])
        assert {rule.id for rule in RULES} - judged_of == {"C14a", "C14e", "C14f"}

    def test_tables_read_back_from_parquet_are_judged_alike(self, tmp_path):
        stored = {}
        for name, each in smoke_tables().items():
            write_table(tmp_path / f"{name}.parquet", each)
            stored[name] = pd.read_parquet(tmp_path / f"{name}.parquet")
        claims = judge(smoke_tables(), LABELS)
        pd.testing.assert_frame_equal(judge(stored, LABELS), claims)
        write_table(tmp_path / "claims.parquet", claims)
        back = pd.read_parquet(tmp_path / "claims.parquet")
        pd.testing.assert_frame_equal(back, claims, check_dtype=False)

    def test_the_ranges_in_the_table_give_its_verdicts(self):
        row: Any
        for row in judge(smoke_tables(), LABELS).itertuples():
            estimate = Interval(row.number, row.low, row.high)
            accepted = (row.accepted_low, row.accepted_high)
            assert verdict(estimate, accepted, row.done == row.planned) == row.verdict


class TestMarkdown:
    def test_all_cells_of_a_table_have_their_column(self):
        text = to_markdown(judge(smoke_tables(), LABELS))
        assert "- **paper**: of " in text
        blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
        assert len(blocks) == 1 + len(RULES)
        for block in blocks:
            assert len({line.count("|") for line in block.splitlines()}) == 1

    def test_every_number_and_verdict_is_written(self):
        claims = judge(smoke_tables(), LABELS)
        text = to_markdown(claims)
        sections = dict(re.findall(r"^### (C\w+): (.*?)(?=^### |\Z)", text, re.M | re.S))
        claim: Any
        for claim in claims.itertuples():
            (line,) = (
                line
                for line in sections[claim.id].splitlines()
                if line.startswith(f"| {claim.subject} |")
            )
            assert f"**{claim.verdict}**" in line
            assert f"{claim.done} of {claim.planned}" in line
            if np.isfinite(claim.number):
                assert f"| {claim.number:.3g}".replace("-", "−") in line
