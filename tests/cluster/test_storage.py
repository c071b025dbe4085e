"""Without a shared file system: files and records travel through a storage plugin."""

from pathlib import Path

import pytest

from tests.cluster.clone import ClusterClone
from tests.cluster.services import Unavailable, install
from tests.cluster.training import Training
from tests.workflow.clone import Clone

pytestmark = pytest.mark.cluster


def test_bytes_and_records_travel_through_a_storage(tmp_path: Path):
    pytest.importorskip("snakemake_storage_plugin_fs", reason="see envs/cluster.in")
    try:
        install(["rsync"], ["rsync"])  # which the plugin calls
    except Unavailable as reason:
        pytest.skip(f"no rsync: {reason}")
    clone = ClusterClone(Clone.of_sources(tmp_path / "clone").folder)
    target = f"results/smoke/runs/{Training(clone).name}/prior.parquet"
    local = clone.copy(tmp_path / "local")
    local.make(target)
    Clone(clone.folder).make(
        *(target, "--local-storage-prefix", str(tmp_path / "scratch")),
        *("--default-storage-provider", "fs", "--default-storage-prefix", "."),
        *("--shared-fs-usage", "persistence", "software-deployment", "sources", "source-cache"),
    )
    suffixes = (".parquet", ".safetensors")
    assert clone.hashes(*suffixes) == local.hashes(*suffixes)
    audit = clone.nao("audit", target)
    assert audit.returncode == 0, audit.stdout
