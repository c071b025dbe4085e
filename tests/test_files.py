"""Files are whole or absent."""

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
