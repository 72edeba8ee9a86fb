from __future__ import annotations

import errno
import os
from contextlib import suppress
from pathlib import Path

import pytest

from modelpack.errors import StoreError
from modelpack.store.atomic import part_file, replace_file, write_atomically, writing
from tests.support.limits import files_limited_to
from tests.support.ordinary_user import ordinary_user
from tests.support.stored import files_under


def test_write_atomically_makes_the_file_and_its_folders(tmp_path: Path) -> None:
    write_atomically(tmp_path / "a" / "b" / "c.json", b"content")
    assert (tmp_path / "a" / "b" / "c.json").read_bytes() == b"content"
    assert files_under(tmp_path) == ["a/b/c.json"]


def test_write_atomically_over_a_file_leaves_open_readers_the_old_bytes(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with path.open("rb") as reader:
        write_atomically(path, b"new")
        assert reader.read() == b"old"
    assert path.read_bytes() == b"new"


def test_write_atomically_when_writing_fails_keeps_the_old_file_and_no_part(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    with files_limited_to(1000), pytest.raises(StoreError) as caught:
        write_atomically(path, b"x" * 100_000)
    assert path.read_bytes() == b"old"
    assert files_under(tmp_path) == ["file"]
    assert str(caught.value) == (
        f"MP-E702 {path}: cannot be written: File too large"
        " — check the disk and the path, then run the command again"
    )


def test_write_atomically_below_a_file_names_path_and_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        write_atomically(tmp_path / "file" / "child", b"content")
    assert caught.value.code == "MP-E702"
    assert caught.value.where == str(tmp_path / "file" / "child")
    assert caught.value.remedy == "a part of this path is a file; choose another directory"


def test_write_atomically_without_permission_names_the_remedy() -> None:
    with ordinary_user() as folder:
        folder.chmod(0o500)
        with pytest.raises(StoreError) as caught:
            write_atomically(folder / "file", b"content")
    assert str(caught.value) == (
        f"MP-E702 {folder}/file: cannot be written: Permission denied"
        " — give your user write permission or choose another directory"
    )


def test_writing_to_a_full_disk_says_so() -> None:
    full = Path("/dev/full")
    with pytest.raises(StoreError) as caught, writing(full), full.open("wb", 0) as stream:
        stream.write(b"content")
    assert str(caught.value) == (
        "MP-E702 /dev/full: cannot be written: No space left on device"
        " — free some disk space and run the command again"
    )


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EDQUOT, errno.EIO])
def test_writing_translates_every_refusal_and_keeps_its_cause(number: int) -> None:
    refusal = OSError(number, os.strerror(number))
    with pytest.raises(StoreError) as caught, writing(Path("/some/file")):
        raise refusal
    assert caught.value.code == "MP-E702"
    assert caught.value.remedy
    assert caught.value.__cause__ is refusal


def test_replace_file_moves_and_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "new").write_bytes(b"new")
    (tmp_path / "old").write_bytes(b"old")
    replace_file(tmp_path / "new", tmp_path / "old")
    assert files_under(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"new"


def test_replace_file_from_nowhere_names_the_missing_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError) as caught:
        replace_file(tmp_path / "missing", tmp_path / "file")
    assert caught.value.where == str(tmp_path / "file")
    assert caught.value.message == (
        f"cannot be written: No such file or directory ({tmp_path}/missing)"
    )


def test_part_file_is_gone_after_an_interruption(tmp_path: Path) -> None:
    with suppress(KeyboardInterrupt), part_file(tmp_path) as (stream, part):
        stream.write(b"half")
        assert files_under(tmp_path) == [part.name]
        raise KeyboardInterrupt
    assert files_under(tmp_path) == []
