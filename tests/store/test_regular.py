from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelpack.store.regular import open_ours, open_regular


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One of each kind."""
    (tmp_path / "file").write_bytes(b"abc")
    (tmp_path / "twin").write_bytes(b"abc")
    os.link(tmp_path / "twin", tmp_path / "other twin")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def test_open_regular_reads_files_however_many_names_they_have(folder: Path) -> None:
    for name in ("file", "twin"):
        with open_regular(folder / name) as stream:
            assert stream.read() == b"abc"


def test_open_ours_reads_files_with_one_name(folder: Path) -> None:
    with open_ours(folder / "file") as stream:
        assert stream.read() == b"abc"
    with pytest.raises(OSError, match="second name"):
        open_ours(folder / "twin")


@pytest.mark.parametrize("name", ["link", "folder", "pipe", "missing"])
def test_open_of_anything_else_is_refused_at_once(folder: Path, name: str) -> None:
    for open_it in (open_regular, open_ours):
        with pytest.raises(OSError, match=name):
            open_it(folder / name)


def test_open_of_what_is_refused_leaks_no_descriptor(folder: Path) -> None:
    lowest_free = os.dup(0)
    os.close(lowest_free)
    for name in ("link", "folder", "pipe", "twin"):
        with pytest.raises(OSError, match=name):
            open_ours(folder / name)
    found = os.dup(0)
    os.close(found)
    assert found == lowest_free
