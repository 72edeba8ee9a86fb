from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelpack.store.trust import distrust, is_private, is_writable
from tests.support.ordinary_user import ordinary_user
from tests.support.stored import files_under


@pytest.mark.parametrize(
    ("mode", "reason"),
    [
        (0o700, ""),
        (0o755, ""),
        (0o775, ""),  # many systems give every user a group of their own
        (0o777, "every user of this machine can write to it"),
        (0o1777, "every user of this machine can write to it"),
        (0o702, "every user of this machine can write to it"),
    ],
)
def test_distrust_goes_by_who_else_can_write(tmp_path: Path, mode: int, reason: str) -> None:
    tmp_path.chmod(mode)
    assert distrust(tmp_path) == reason
    assert files_under(tmp_path) == []


def test_distrust_of_another_users_directory_names_the_user() -> None:
    with ordinary_user():
        assert distrust(Path("/usr")) == "it belongs to another user (0)"


def test_distrust_of_a_missing_directory_has_no_reason(tmp_path: Path) -> None:
    assert distrust(tmp_path / "missing") == ""


@pytest.mark.parametrize(("mode", "private"), [(0o700, True), (0o755, True), (0o770, False)])
def test_is_private_goes_by_owner_and_mode(tmp_path: Path, mode: int, private: bool) -> None:
    tmp_path.chmod(mode)
    assert is_private(tmp_path) is private


def test_is_private_of_a_link_a_file_or_nothing_is_false(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir(mode=0o700)
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "file").write_bytes(b"")
    assert not any(is_private(tmp_path / name) for name in ("link", "file", "missing"))


def test_is_private_of_another_users_directory_is_false() -> None:
    with ordinary_user():
        assert not is_private(Path("/usr"))


def test_is_writable_asks_by_doing_and_leaves_nothing(tmp_path: Path) -> None:
    assert is_writable(tmp_path)
    assert not is_writable(tmp_path / "missing")
    assert not is_writable(Path("/proc") / str(os.getpid()))
    assert files_under(tmp_path) == []


def test_is_writable_of_a_locked_directory_is_false() -> None:
    with ordinary_user() as folder:
        folder.chmod(0o500)
        assert not is_writable(folder)
