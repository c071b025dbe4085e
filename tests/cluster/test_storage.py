"""Without a shared file system: files and records travel through a storage plugin."""

import shutil
from pathlib import Path

import pytest

from nao.config import expand, load
from tests.cluster.conftest import ClusterClone
from tests.workflow.clone import Clone

pytestmark = pytest.mark.cluster


def test_bytes_and_records_travel_through_a_storage(tmp_path: Path):
    pytest.importorskip("snakemake_storage_plugin_fs", reason="see envs/cluster.in")
    if shutil.which("rsync") is None:
        pytest.skip("the storage plugin needs rsync")
    clone = ClusterClone(Clone.of_sources(tmp_path / "clone").folder)
    plan = expand(load(clone.folder / "config.yaml").model_copy(update={"scale": "smoke"}))
    name = plan.experiments["prior"].points[0].runs["heldout"]
    target = f"results/smoke/runs/{name}/prior.parquet"
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
