"""Checkpoints: the state comes back exactly, and nothing unfit is ever used."""

import pytest
import torch
from safetensors.torch import load_file, save_file

from nao.checkpoints import Checkpoint, read_checkpoint, write_checkpoint

KEY = "spec and code"
STATE = Checkpoint(
    150, [[0, 100], [100, 150]], {"a": torch.randn(3, 2, dtype=torch.float64), "b": torch.ones(())}
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
    assert all(torch.equal(state.tensors[name], value) for name, value in STATE.tensors.items())


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
