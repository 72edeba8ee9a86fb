from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from modelpack.store.reflink import reflink


def test_reflink_gives_an_independent_file_or_refuses(tmp_path: Path) -> None:
    source, copy = tmp_path / "source", tmp_path / "copy"
    source.write_bytes(b"abc")
    with suppress(OSError):  # most file systems cannot; then the caller copies
        reflink(source, copy)
        copy.write_bytes(b"changed")
        assert copy.stat().st_nlink == 1
    assert source.read_bytes() == b"abc"


def test_reflink_over_a_file_is_refused(tmp_path: Path) -> None:
    for name in ("source", "copy"):
        (tmp_path / name).write_bytes(name.encode())
    with pytest.raises(FileExistsError):
        reflink(tmp_path / "source", tmp_path / "copy")
    assert (tmp_path / "copy").read_bytes() == b"copy"


def test_reflink_to_another_file_system_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"\["):
        reflink(Path("/proc/self/cmdline"), tmp_path / "copy")
