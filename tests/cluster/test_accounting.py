"""The accounting service goes away and comes back in mid-run: nothing waits for it."""

import pytest

from tests.cluster.accounting import ACCOUNT
from tests.cluster.clone import WAIT, ClusterClone
from tests.cluster.lab import Lab
from tests.cluster.services import until
from tests.cluster.training import Training, jobs_of

pytestmark = pytest.mark.cluster


def test_a_run_goes_on_while_the_accounting_service_is_away(
    lab: Lab, clone: ClusterClone, training: Training, whole: dict[str, bytes], monkeypatch
):
    if lab.accounting is None:
        pytest.skip("no slurmdbd can be installed here")
    target = f"results/smoke/runs/{training.name}/prior.parquet"
    monkeypatch.setenv("SBATCH_ACCOUNT", ACCOUNT)
    main = clone.begin(target, "--slurm-efficiency-report")
    training.under_way(lab, 1)
    lab.accounting.end()
    # What follows the training is submitted while it is away.
    until(lambda: len(jobs_of(clone, lab)) > 2, WAIT, "the next job")
    assert not lab.accounting.answers()
    lab.accounting.begin()
    clone.said_at_end_of(main)
    assert training.made() == whole
    jobs = {job["JobId"] for job in jobs_of(clone, lab)}
    assert {job["Account"] for job in jobs_of(clone, lab)} == {ACCOUNT}
    until(lambda: jobs <= ended(lab), WAIT, "their ends in the accounting")
    assert list(clone.folder.glob("results/efficiency/*.csv"))


def ended(lab: Lab) -> set[str]:
    """Jobs that the accounting knows as completed."""
    rows = lab.ask("sacct", "-nXP", "--allusers", "-o", "JobIDRaw,State").split()
    return {row.partition("|")[0] for row in rows if row.endswith("|COMPLETED")}
