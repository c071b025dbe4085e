"""The locks say the same: what is installed by its hash is what is pinned, and each pin once."""

import re
from pathlib import Path

import pytest

from nao.provenance.packages import pins

ENVS = Path(__file__).parents[1] / "envs"
BUILT_IN_MANY_WAYS = {"torch"}  # for the processor and each CUDA, with hashes of their own


def test_all_that_is_pinned_has_hashes_but_torch():
    pinned, hashed = pins(ENVS / "requirements.txt"), pins(ENVS / "hashes.txt")
    assert pinned.keys() - hashed.keys() == BUILT_IN_MANY_WAYS
    assert hashed == {name: pinned[name] for name in hashed}


def test_what_a_cluster_needs_beside_them_is_pinned_apart():
    beside = pins(ENVS / "cluster.txt")
    asked = re.findall(r"^([\w-]+)==", (ENVS / "cluster.in").read_text("utf-8"), re.MULTILINE)
    assert {*asked} <= beside.keys()
    assert beside.keys().isdisjoint(pins(ENVS / "requirements.txt"))


@pytest.mark.parametrize(("lock", "count"), [("hashes.txt", 100), ("cluster.txt", 2)])
def test_each_pin_has_a_sha256(lock: str, count: int):
    text = (ENVS / lock).read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.match(r"\w", line)]
    assert len(lines) >= count
    assert [line for line in lines if not re.search(r"--hash=sha256:[0-9a-f]{64}", line)] == []
