"""Files are whole or absent."""

import os
import stat

import pytest

from nao.files import atomic_path


def test_a_file_appears_when_it_is_whole(tmp_path):
    place = tmp_path / "new" / "table.parquet"
    with atomic_path(place) as temporary:
        assert temporary.parent == place.parent
        assert temporary.suffix == ".parquet"
        temporary.write_text("whole")
        assert not place.exists()
    assert place.read_text() == "whole"
    assert list(place.parent.iterdir()) == [place]


def test_a_failure_leaves_the_old_file_and_no_other(tmp_path):
    place = tmp_path / "table.parquet"
    place.write_text("old")

    def fail():
        with atomic_path(place) as temporary:
            temporary.write_text("half")
            raise MemoryError

    with pytest.raises(MemoryError):
        fail()
    assert place.read_text() == "old"
    assert list(tmp_path.iterdir()) == [place]


@pytest.mark.parametrize("umask", [0o022, 0o002, 0o077])
def test_the_umask_says_who_may_read(tmp_path, umask):
    """Also where the writer makes a file of its own, as safetensors does."""
    place, before = tmp_path / "model.safetensors", os.umask(umask)
    try:
        with atomic_path(place) as temporary:
            temporary.touch(mode=0o600)
        assert stat.S_IMODE(place.stat().st_mode) == 0o666 & ~umask
    finally:
        os.umask(before)
