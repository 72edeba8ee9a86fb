from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from modelpack.errors import StoreError
from modelpack.store.store import Store, open_store
from tests.support.ordinary_user import ordinary_user
from tests.support.stored import DIGEST_OF_ABC as ABC
from tests.support.stored import action_record, files_under

RECORD = action_record("digits", b"abc")


def fill(store: Store) -> None:
    """One blob, the record that names it, and the history of the task."""
    store.blobs.put_bytes(b"abc")
    store.actions.put(RECORD)
    store.histories.remember("split:digits@q8", RECORD.key)


def test_open_store_makes_the_directory_and_its_markers(tmp_path: Path) -> None:
    with open_store(tmp_path / "a" / "cache", "project") as store:
        assert store.warnings == ()
        assert store.directory == tmp_path / "a" / "cache"
    cache = tmp_path / "a" / "cache"
    assert files_under(cache) == [".gitignore", "CACHEDIR.TAG"]
    assert (cache / ".gitignore").read_text() == "*\n"
    assert (
        (cache / "CACHEDIR.TAG")
        .read_text()
        .startswith("Signature: 8a477f597d28d172789f06886806bc55\n")
    )
    assert cache.stat().st_mode & 0o777 == 0o700
    assert sorted(path.name for path in (cache / "v1").iterdir()) == [
        "actions",
        "blobs",
        "histories",
        "scratch",
        "stats",
    ]


def test_open_store_again_finds_what_was_kept(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"abc")
    with open_store(tmp_path / "cache", "project") as store:
        fill(store)
        store.stat_cache.digest(tmp_path / "model.onnx")
        store.stat_cache.save()
    with open_store(tmp_path / "cache", "project") as store:
        assert store.blobs.read_bytes(ABC) == b"abc"
        assert store.actions.get(RECORD.key) == RECORD
        assert store.histories.last("split:digits@q8") == (RECORD.key,)
    with open_store(tmp_path / "cache", "another project") as store:
        assert store.actions.get(RECORD.key) == RECORD
        assert store.histories.last("split:digits@q8") == ()


def test_open_store_completes_a_half_made_directory(tmp_path: Path) -> None:
    (tmp_path / "v1" / "blobs").mkdir(parents=True)
    (tmp_path / "v1" / "actions").write_bytes(b"a file in the place of a folder")
    (tmp_path / "v1" / "scratch").symlink_to("nowhere")
    with open_store(tmp_path, "project") as store:
        assert store.warnings == ()
        fill(store)
        with store.scratch.folder() as folder:
            assert folder.is_relative_to(tmp_path)
    assert (tmp_path / ".gitignore").exists()


def test_open_store_keeps_markers_the_user_changed(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n!keep\n")
    open_store(tmp_path, "project").close()
    assert (tmp_path / ".gitignore").read_text() == "*\n!keep\n"


def test_open_store_leaves_another_layout_alone(tmp_path: Path) -> None:
    (tmp_path / "v2").mkdir()
    (tmp_path / "v2" / "blobs").write_bytes(b"of a newer version")
    open_store(tmp_path, "project").close()
    assert (tmp_path / "v2" / "blobs").read_bytes() == b"of a newer version"


def test_open_store_sweeps_scratch_folders_of_the_dead(tmp_path: Path) -> None:
    (tmp_path / "v1" / "scratch" / "0123456789abcdef").mkdir(parents=True)
    (tmp_path / "v1" / "scratch" / "0123456789abcdef.lock").write_bytes(b"")
    open_store(tmp_path, "project").close()
    assert list((tmp_path / "v1" / "scratch").iterdir()) == []


def test_open_store_through_a_link_uses_what_it_leads_to(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir(mode=0o700)
    (tmp_path / "cache").symlink_to("disk")
    with open_store(tmp_path / "cache", "project") as store:
        assert store.warnings == ()
        fill(store)
    assert (tmp_path / "disk" / "v1" / "blobs" / "ba" / ABC).exists()


# --- where the directory cannot be written -----------------------------------------------------------------------


@pytest.mark.parametrize("place", ["file", "file/cache", "file/deep/cache"])
def test_open_store_below_a_file_works_elsewhere_and_warns_once(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_bytes(b"content")
    with open_store(tmp_path / place, "project") as store:
        assert store.warnings == (
            f"the cache {tmp_path / place} cannot be written; this build reads it and keeps nothing",
        )
        fill(store)
        assert store.blobs.read_bytes(ABC) == b"abc"
        assert store.actions.get(RECORD.key) == RECORD
        elsewhere = store.blobs.root.parent
        with store.scratch.folder() as folder:
            (folder / "out").write_bytes(b"out")
            store.blobs.put_file(folder / "out")
            assert not (folder / "out").exists()
    assert not elsewhere.exists()
    assert files_under(tmp_path) == ["file"]


def test_open_store_in_proc_works_elsewhere() -> None:
    with open_store(Path("/proc/modelpack/cache"), "project") as store:
        assert len(store.warnings) == 1
        assert store.blobs.put_bytes(b"abc") == ABC


def test_open_store_that_is_read_only_answers_from_it_and_changes_nothing() -> None:
    with ordinary_user() as folder:
        cache = folder / "cache"
        with open_store(cache, "project") as store:
            fill(store)
        lock_up(cache)
        before = {name: (cache / name).stat().st_mtime_ns for name in files_under(cache)}
        with open_store(cache, "project") as store:
            assert len(store.warnings) == 1
            assert store.blobs.read_bytes(ABC) == b"abc"
            assert store.actions.get(RECORD.key) == RECORD
            other = action_record("other", b"other")
            store.actions.put(other)
            store.histories.remember("split:digits@q8", other.key)
            assert store.actions.get(other.key) == other
            assert store.histories.last("split:digits@q8") == (other.key, RECORD.key)
        assert set(files_under(cache)) == set(before)
        blob = f"v1/blobs/ba/{ABC}"
        assert (cache / blob).stat().st_mtime_ns == before[blob]


def lock_up(folder: Path) -> None:
    """Nothing can be added to the folder or any folder in it."""
    for path in [*folder.rglob("*"), folder]:
        if path.is_dir():
            path.chmod(0o500)


def test_open_store_elsewhere_leaves_nothing_of_a_killed_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    program = (
        "import sys; from pathlib import Path; from modelpack.store.store import open_store\n"
        "store = open_store(Path(sys.argv[1]), 'project')\n"
        "print(store.blobs.root.parent, flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "file")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    left_behind = Path(process.stdout.readline().strip())
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert left_behind.exists()
    open_store(tmp_path / "file", "project").close()
    assert not left_behind.exists()


# --- where the directory cannot be trusted -----------------------------------------------------------------------


def test_open_store_everybody_can_write_to_is_neither_read_nor_written(tmp_path: Path) -> None:
    with open_store(tmp_path / "cache", "project") as store:
        fill(store)
    (tmp_path / "cache").chmod(0o777)
    before = files_under(tmp_path)
    with open_store(tmp_path / "cache", "project") as store:
        assert store.warnings == (
            f"the cache {tmp_path / 'cache'} is not used, because every user of this machine can write to it",
        )
        assert store.actions.get(RECORD.key) is None
        assert not store.blobs.has(ABC)
        fill(store)
    assert files_under(tmp_path) == before


def test_open_store_of_another_user_is_not_used() -> None:
    with ordinary_user(), open_store(Path("/usr"), "project") as store:
        assert store.warnings == (
            "the cache /usr is not used, because it belongs to another user (0)",
        )
        assert not store.blobs.root.is_relative_to("/usr")


def test_open_store_without_any_place_to_write_is_a_store_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "file"))
    with pytest.raises(StoreError) as caught:
        open_store(tmp_path / "file", "project")
    assert caught.value.code == "MP-E702"
    assert caught.value.where == str(tmp_path / "file")
