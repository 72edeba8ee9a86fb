from __future__ import annotations

from pathlib import Path

from modelpack.store.removal import remove_tree, size_of_tree
from tests.support.ordinary_user import ordinary_user
from tests.support.stored import files_under


def test_remove_tree_of_a_file_a_folder_or_nothing_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "deep" / "file").write_bytes(b"")
    for name in ("file", "folder", "missing"):
        remove_tree(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_remove_tree_follows_no_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "link").symlink_to(tmp_path / "outside")
    (tmp_path / "link").symlink_to(tmp_path / "outside")
    remove_tree(tmp_path / "folder")
    remove_tree(tmp_path / "link")
    assert files_under(tmp_path) == ["outside/file"]


def test_remove_tree_of_locked_folders_unlocks_them_but_nothing_behind_a_link() -> None:
    with ordinary_user() as root:
        outside = root / "outside"
        outside.write_bytes(b"")
        outside.chmod(0o400)
        locked = root / "folder" / "locked"
        locked.mkdir(parents=True)
        (locked / "link").symlink_to(outside)
        locked.chmod(0o500)
        remove_tree(root / "folder")
        assert files_under(root) == ["outside"]
        assert outside.stat().st_mode & 0o777 == 0o400


def test_size_of_tree_adds_files_and_counts_links_as_themselves(tmp_path: Path) -> None:
    (tmp_path / "folder" / "deep").mkdir(parents=True)
    (tmp_path / "folder" / "one").write_bytes(b"x" * 10)
    (tmp_path / "folder" / "deep" / "two").write_bytes(b"x" * 20)
    (tmp_path / "link").symlink_to("folder")
    assert size_of_tree(tmp_path / "folder") == 30
    assert size_of_tree(tmp_path / "folder" / "one") == 10
    assert size_of_tree(tmp_path / "link") == len("folder")
    assert size_of_tree(tmp_path / "missing") == 0
