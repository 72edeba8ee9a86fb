from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from modelpack.errors import StoreError
from modelpack.store.scratch import Scratch
from tests.support.limits import files_limited_to
from tests.support.ordinary_user import ordinary_user
from tests.support.stored import files_under

OWNER = """
import sys
from pathlib import Path
from modelpack.store.scratch import Scratch
with Scratch(Path(sys.argv[1])).folder() as folder:
    (folder / "half.bin").write_bytes(b"half")
    print(folder, flush=True)
    sys.stdin.read()
"""


def start_owner(root: Path) -> tuple[subprocess.Popen[str], Path]:
    """A process that sits in a scratch folder, and the folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(root)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str], number: signal.Signals) -> None:
    process.send_signal(number)
    process.communicate()


def test_folder_is_empty_private_and_gone_at_the_end(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path / "scratch")
    with scratch.folder() as folder:
        assert list(folder.iterdir()) == []
        assert folder.stat().st_mode & 0o077 == 0
        (folder / "file").write_bytes(b"content")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_folders_of_one_process_are_different(tmp_path: Path) -> None:
    scratch = Scratch(tmp_path)
    with scratch.folder() as first, scratch.folder() as second:
        assert first != second


def test_folder_is_gone_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), Scratch(tmp_path).folder() as folder:
        assert folder.exists() / 0
    assert list(tmp_path.iterdir()) == []


def test_folder_with_read_only_folders_is_gone_at_the_end() -> None:
    with ordinary_user() as root:
        with Scratch(root).folder() as folder:
            (folder / "locked").mkdir()
            (folder / "locked" / "file").write_bytes(b"")
            (folder / "locked" / "file").chmod(0o400)
            (folder / "locked").chmod(0o500)
        assert list(root.iterdir()) == []


def test_folder_with_a_link_outside_removes_only_the_link(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"")
    with Scratch(tmp_path / "scratch").folder() as folder:
        (folder / "link").symlink_to(tmp_path / "outside")
    assert files_under(tmp_path) == ["outside/file"]


def test_folder_where_nothing_can_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as caught, Scratch(tmp_path / "file").folder():
        pass
    assert caught.value.code == "MP-E702"


def test_folder_on_a_full_disk_leaves_nothing(tmp_path: Path) -> None:
    with files_limited_to(0), pytest.raises(StoreError), Scratch(tmp_path).folder():
        pass
    assert list(tmp_path.iterdir()) == []


def test_sweep_keeps_the_folders_of_the_living_and_removes_those_of_the_dead(
    tmp_path: Path,
) -> None:
    scratch = Scratch(tmp_path)
    living, folder_of_living = start_owner(tmp_path)
    dead, folder_of_dead = start_owner(tmp_path)
    end(dead, signal.SIGKILL)
    with scratch.folder() as own:
        assert folder_of_dead.exists()
        assert scratch.sweep() == 1
        assert not folder_of_dead.exists()
        assert (folder_of_living / "half.bin").read_bytes() == b"half"
        assert own.exists()
    end(living, signal.SIGKILL)
    assert scratch.sweep() == 1
    assert list(tmp_path.iterdir()) == []


def test_sweep_where_locks_mean_nothing_goes_by_the_owners_number(tmp_path: Path) -> None:
    living, folder = start_owner(tmp_path)
    lock = folder.with_name(f"{folder.name}.lock")
    content = lock.read_bytes()
    lock.unlink()
    lock.write_bytes(content)  # as on a file system that forgets locks: nobody holds this one
    assert Scratch(tmp_path).sweep() == 0
    end(living, signal.SIGKILL)
    assert Scratch(tmp_path).sweep() == 1
    assert list(tmp_path.iterdir()) == []


def test_sweep_where_a_held_lock_lost_its_owners_name_keeps_the_folder(tmp_path: Path) -> None:
    living, folder = start_owner(tmp_path)
    folder.with_name(f"{folder.name}.lock").write_bytes(b"")
    assert Scratch(tmp_path).sweep() == 0
    assert folder.exists()
    end(living, signal.SIGKILL)


@pytest.mark.parametrize("content", [b"", b"no number", b"-1", b"0", b"99999999999999999999"])
def test_sweep_of_a_damaged_free_lock_removes_its_folder(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "0123456789abcdef").mkdir()
    (tmp_path / "0123456789abcdef.lock").write_bytes(content)
    assert Scratch(tmp_path).sweep() == 1
    assert list(tmp_path.iterdir()) == []


def test_sweep_follows_no_links_and_leaves_foreign_files(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    (scratch / "0123456789abcdef").symlink_to(tmp_path / "outside")
    (scratch / "0123456789abcdef.lock").write_bytes(b"")
    (scratch / "fedcba9876543210.lock").symlink_to(tmp_path / "outside" / "file")
    (scratch / "package.lock").write_bytes(b"")
    Scratch(scratch).sweep()
    assert files_under(tmp_path) == [
        "outside/file",
        "scratch/fedcba9876543210.lock",
        "scratch/package.lock",
    ]


def test_sweep_of_a_missing_folder_removes_nothing(tmp_path: Path) -> None:
    assert Scratch(tmp_path / "missing").sweep() == 0
