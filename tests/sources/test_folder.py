from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.engine.fastpath import remember
from modelpack.errors import SourceError
from modelpack.sources.folder import list_folder


def fill(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)


def names(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in list_folder(folder, "samples").files]


def test_list_folder_is_in_order_of_paths(tmp_path: Path) -> None:
    fill(tmp_path, "b.txt", "a/2.txt", "a/1.txt", "a/c/3.txt")
    assert names(tmp_path) == ["a/1.txt", "a/2.txt", "a/c/3.txt", "b.txt"]


def test_list_folder_leaves_hidden_files_out(tmp_path: Path) -> None:
    fill(tmp_path, "a.txt", ".DS_Store", ".git/config")
    assert names(tmp_path) == ["a.txt"]


def test_list_folder_does_not_follow_linked_folders(tmp_path: Path) -> None:
    fill(tmp_path, "real/a.txt")
    (tmp_path / "loop").symlink_to(tmp_path)
    assert names(tmp_path) == ["real/a.txt"]


def test_list_folder_digests_are_those_of_the_fast_path(tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    fill(folder, "a.txt", "sub/b.txt", ".hidden/c")
    listing = list_folder(folder, "samples")
    assert [path for path, _ in listing.folders] == [folder, folder / "sub"]
    record = tmp_path / "record.json"
    remember(record, (), (), {}, read=dict(listing.folders), began_s=0.0)
    assert record.exists()
    record.unlink()
    fill(folder, "new.txt")
    remember(record, (), (), {}, read=dict(listing.folders), began_s=0.0)
    assert not record.exists()


@pytest.mark.parametrize(
    ("made", "message"), [(False, "no such folder"), (True, "the folder is empty")]
)
def test_list_folder_without_files_fails(tmp_path: Path, made: bool, message: str) -> None:
    folder = tmp_path / "samples"
    if made:
        folder.mkdir()
    with pytest.raises(SourceError) as caught:
        list_folder(folder, "samples")
    assert (caught.value.code, caught.value.message) == ("MP-E201", message)
