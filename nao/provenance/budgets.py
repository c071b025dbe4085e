"""What each estimator of a table was given: data and processor time, as the records tell it."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from nao.provenance.lineage import Lineage, LineageError
from nao.provenance.schema import Record

COLUMNS = ["estimator", "contexts", "rows", "more", "told", "drawn", "seconds"]
SCORES = "scores.parquet"  # what a job that scores an estimator makes, beside other files


def budgets(found: Lineage) -> pd.DataFrame:
    """What each estimator was given at each point that the artefact rests on: a row a point.

    `estimator`; `contexts`, those of each replicate that it learned from, and `rows` of each;
    `more`, the rows beside these that its loss reads; `told`, what it knows that no context says:
    w, or the law of w; `drawn`, contexts in all steps of a training; `seconds` of a core for each
    replicate, to be fitted and scored. Numbers are missing where there is nothing to count. Raises
    :class:`LineageError` where nothing was scored.
    """
    rows = list(_given(found))
    if not rows:
        raise LineageError(f"{found.top} rests on no scores; name an experiment's table")
    counts = dict.fromkeys(("contexts", "rows", "more", "drawn"), "Int64")
    return pd.DataFrame(rows).reindex(columns=COLUMNS).astype(counts | {"told": "string"})


def _given(found: Lineage) -> Iterator[dict[str, Any]]:
    for record in found.records.values():
        if record is None or not record.artefact.path.endswith(SCORES):
            continue
        made = {made.rule: made for each in record.inputs if (made := found.records.get(each.path))}
        if "train" in made:
            yield _trained(record, made["train"])
        elif "estimator" in record.wildcards:
            yield _fitted(record, found)


def _trained(record: Record, training: Record) -> dict[str, Any]:
    # as it was written: what an earlier commit recorded need not be a specification of today's
    spec: Any = training.params["spec"]
    data, steps = spec["dataset"], spec["training"]
    outside = data["heldout_rows"] or data["context_length"]
    seconds = training.execution.cpu_seconds + record.execution.cpu_seconds
    return {
        "estimator": spec["learner"],
        "contexts": data["train_contexts"],
        "rows": data["context_length"],
        "more": outside if steps["objective"] == "heldout" else 0,
        "told": "w" if steps["objective"] == "supervised" else None,
        "drawn": steps["steps"] * steps["batch_contexts"],
        "seconds": seconds / data["replicates"],
    }


def _fitted(record: Record, found: Lineage) -> dict[str, Any]:
    reads = {each.path.rpartition("/")[2]: each.path for each in record.inputs}
    given: dict[str, Any] = {
        "estimator": record.wildcards["estimator"],
        "told": "law" if "truth.parquet" in reads else None,
        "seconds": record.execution.cpu_seconds,
    }
    made = found.records.get(reads.get("train.parquet", ""))
    if made is not None:
        data: Any = made.params["spec"]
        given |= {"contexts": data["train_contexts"], "rows": data["context_length"], "more": 0}
        given["seconds"] /= data["replicates"]
    return given
