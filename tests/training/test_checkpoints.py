"""Checkpoints: the state comes back exactly, and nothing unfit is ever used."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from nao.training.checkpoints import Checkpoint, read_checkpoint, write_checkpoint

KEY = "spec and code"
WEIGHTS = torch.randn(3, 2, dtype=torch.float64)
STATE = Checkpoint(
    150,
    [[0, 100], [100, 150]],
    {
        "weights": WEIGHTS,
        "slice": WEIGHTS[:, 0],  # neither contiguous nor alone in its storage
        "turned": WEIGHTS.T,
        "moments": {0: {"step": torch.ones(()), "bases": [torch.eye(2), []]}, 1: {}},
        "rate": 0.1 + 0.2,
        "off": None,
    },
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "run.safetensors"
    write_checkpoint(path, KEY, STATE)
    return path


def test_the_state_comes_back(path):
    state = read_checkpoint(path, KEY)
    assert state is not None
    assert (state.step, state.segments) == (STATE.step, STATE.segments)
    torch.testing.assert_close(state.state["weights"], WEIGHTS, rtol=0, atol=0)
    torch.testing.assert_close(state.state["slice"], WEIGHTS[:, 0], rtol=0, atol=0)
    turned = state.state["turned"]
    torch.testing.assert_close(turned, WEIGHTS.T, rtol=0, atol=0)
    assert turned.stride() == WEIGHTS.T.stride()
    assert state.state["moments"] == {
        0: {"step": torch.ones(()), "bases": [Exactly(torch.eye(2)), []]},
        1: {},
    }
    assert (state.state["rate"], state.state["off"]) == (0.1 + 0.2, None)


class Exactly:
    """Equal to a tensor of the same entries, as part of a tree."""

    def __init__(self, tensor: torch.Tensor):
        self.tensor = tensor

    def __eq__(self, other: object) -> bool:
        return isinstance(other, torch.Tensor) and torch.equal(self.tensor, other)

    __hash__ = None  # type: ignore[assignment]


def test_a_header_that_was_changed_is_set_aside(path):
    content = path.read_bytes()
    assert b"0.30000000000000004" in content
    path.write_bytes(content.replace(b"0.30000000000000004", b"0.30000000000000005"))
    with pytest.warns(UserWarning, match="differs from its checksum"):
        assert read_checkpoint(path, KEY) is None


def test_no_file_is_no_state(tmp_path):
    assert read_checkpoint(tmp_path / "none", KEY) is None


def truncate(path):
    path.write_bytes(path.read_bytes()[:-3])


def flip(path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def foreign(path):
    save_file(load_file(path), path, {"made": "elsewhere"})


def empty(path):
    path.write_bytes(b"")


@pytest.mark.parametrize("damage", [truncate, flip, foreign, empty])
def test_an_unfit_file_is_set_aside(path, damage):
    damage(path)
    with pytest.warns(UserWarning, match="not used since"):
        assert read_checkpoint(path, KEY) is None
    assert not path.exists()
    assert path.with_name(path.name + ".rejected").exists()


def test_another_trainings_file_is_set_aside(path):
    with pytest.warns(UserWarning, match="another specification"):
        assert read_checkpoint(path, "another key") is None
