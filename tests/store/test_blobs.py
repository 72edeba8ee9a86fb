from __future__ import annotations

import multiprocessing
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from modelpack.digest import digest_bytes
from modelpack.errors import StoreError
from modelpack.store.blobs import Blobs
from tests.support.limits import files_limited_to, no_more_open_files
from tests.support.opened_files import opened_files
from tests.support.ordinary_user import ordinary_user
from tests.support.planted import plant_dangling_link, plant_folder, plant_link, plant_pipe
from tests.support.stored import DIGEST_OF_ABC as ABC
from tests.support.stored import files_under

# --- putting -----------------------------------------------------------------------------------------------------


def test_put_bytes_stores_a_read_only_file_under_its_digest(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    assert blobs.put_bytes(b"abc") == ABC
    assert files_under(tmp_path) == [f"blobs/ba/{ABC}"]
    assert blobs.path(ABC) == tmp_path / "blobs" / "ba" / ABC
    assert blobs.path(ABC).read_bytes() == b"abc"
    assert stat.S_IMODE(blobs.path(ABC).stat().st_mode) == 0o444


def test_put_file_from_scratch_moves_it(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    source = tmp_path / "scratch" / "out.bin"
    source.parent.mkdir()
    source.write_bytes(b"abc")
    os.utime(source, (1000, 1000))
    inode = source.stat().st_ino
    assert blobs.put_file(source) == (ABC, 3)
    assert blobs.path(ABC).stat().st_mtime > 1_000_000  # young for garbage collection
    assert files_under(tmp_path) == [f"blobs/ba/{ABC}"]
    assert blobs.path(ABC).stat().st_ino == inode
    assert stat.S_IMODE(blobs.path(ABC).stat().st_mode) == 0o444


def test_put_file_from_elsewhere_copies_and_leaves_it(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "cache" / "blobs")
    source = tmp_path / "model.onnx"
    source.write_bytes(b"abc")
    assert blobs.put_file(source) == (ABC, 3)
    assert files_under(tmp_path) == [f"cache/blobs/ba/{ABC}", "model.onnx"]


def test_put_file_with_a_second_name_copies_so_that_no_name_reaches_the_blob(
    tmp_path: Path,
) -> None:
    blobs = Blobs(tmp_path / "blobs")
    source, alias = tmp_path / "out.bin", tmp_path / "alias.bin"
    source.write_bytes(b"abc")
    os.link(source, alias)
    assert blobs.put_file(source) == (ABC, 3)
    alias.write_bytes(b"changed")
    assert blobs.read_bytes(ABC) == b"abc"


def test_put_file_from_another_file_system_copies(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    digest, size_bytes = blobs.put_file(Path("/proc/self/cmdline"))
    assert blobs.read_bytes(digest) == Path("/proc/self/cmdline").read_bytes()
    assert size_bytes == len(blobs.read_bytes(digest))


@pytest.mark.parametrize("plant", [plant_folder, plant_link, plant_dangling_link, plant_pipe])
def test_put_file_of_no_regular_file_is_refused(
    tmp_path: Path, plant: Callable[[Path], None]
) -> None:
    plant(tmp_path / "out.bin")
    with pytest.raises(StoreError) as caught:
        Blobs(tmp_path / "blobs").put_file(tmp_path / "out.bin")
    assert caught.value.code == "MP-E702"
    assert files_under(tmp_path / "blobs") == []


def test_put_file_of_a_blob_leaves_the_blob(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.put_bytes(b"abc")
    assert blobs.put_file(blobs.path(ABC)) == (ABC, 3)
    assert blobs.read_bytes(ABC) == b"abc"


def test_put_of_a_present_blob_never_replaces_it(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.put_bytes(b"abc")
    inode = blobs.path(ABC).stat().st_ino
    (tmp_path / "out.bin").write_bytes(b"abc")
    assert blobs.put_file(tmp_path / "out.bin") == (ABC, 3)
    assert blobs.put_bytes(b"abc") == ABC
    assert blobs.path(ABC).stat().st_ino == inode
    assert files_under(tmp_path) == [f"blobs/ba/{ABC}"]


def test_put_of_a_present_blob_makes_it_young_for_garbage_collection(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.put_bytes(b"abc")
    os.utime(blobs.path(ABC), (1000, 1000))
    blobs.put_bytes(b"abc")
    assert blobs.path(ABC).stat().st_mtime > 1_000_000


def test_put_bytes_when_the_disk_refuses_leaves_nothing(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    with files_limited_to(1000), pytest.raises(StoreError) as caught:
        blobs.put_bytes(b"x" * 100_000)
    assert caught.value.code == "MP-E702"
    assert files_under(tmp_path) == []
    assert not blobs.has(digest_bytes(b"x" * 100_000))


# --- reading -----------------------------------------------------------------------------------------------------


def test_read_of_an_absent_blob_names_the_digest(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert not blobs.has(ABC)
    for read in (blobs.path, blobs.read_bytes):
        with pytest.raises(StoreError) as caught:
            read(ABC)
        assert str(caught.value) == (
            f"MP-E701 {tmp_path}: the blob {ABC} is not stored"
            " — run the command again to rebuild it"
        )


@pytest.mark.parametrize("digest", ["", "abc", "../outside", ABC.upper(), f"{ABC}\n"])
def test_read_of_what_is_no_digest_is_absent_and_touches_nothing(
    tmp_path: Path, digest: str
) -> None:
    (tmp_path / "outside").write_bytes(b"")
    blobs = Blobs(tmp_path / "cache" / "blobs")
    blobs.put_bytes(b"abc")
    assert not blobs.has(digest)
    blobs.discard(digest)
    with pytest.raises(StoreError):
        blobs.read_bytes(digest)
    assert blobs.has(ABC)


@pytest.mark.parametrize("read", [Blobs.read_bytes, Blobs.verify, Blobs.has])
def test_read_when_open_files_have_run_out_keeps_the_blob(
    tmp_path: Path, read: Callable[[Blobs, str], object]
) -> None:
    blobs = Blobs(tmp_path)
    blobs.put_bytes(b"abc")
    with no_more_open_files():
        try:
            assert read(blobs, ABC)
        except StoreError as error:
            if error.code != "MP-E703":
                raise
    assert blobs.read_bytes(ABC) == b"abc"


def test_read_when_open_files_have_run_out_names_the_remedy(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.put_bytes(b"abc")
    with no_more_open_files(), pytest.raises(StoreError) as caught:
        blobs.read_bytes(ABC)
    assert str(caught.value) == (
        f"MP-E703 {blobs.path(ABC)}: cannot be opened: Too many open files"
        " — close other programs or raise the limit (`ulimit -n`), then run the command again"
    )


# --- copies ------------------------------------------------------------------------------------------------------


def test_materialise_gives_a_private_writable_copy(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.put_bytes(b"abc")
    copy = tmp_path / "out" / "model.onnx"
    blobs.materialise(ABC, copy)
    assert files_under(tmp_path / "out") == ["model.onnx"]
    assert copy.stat().st_nlink == 1
    assert copy.stat().st_ino != blobs.path(ABC).stat().st_ino
    copy.write_bytes(b"changed")
    assert blobs.read_bytes(ABC) == b"abc"


def test_materialise_over_a_link_replaces_the_link_not_its_target(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.put_bytes(b"abc")
    (tmp_path / "target").write_bytes(b"target")
    (tmp_path / "copy").symlink_to("target")
    blobs.materialise(ABC, tmp_path / "copy")
    assert (tmp_path / "target").read_bytes() == b"target"
    assert not (tmp_path / "copy").is_symlink()
    assert (tmp_path / "copy").read_bytes() == b"abc"


def test_materialise_where_nothing_can_be_written_keeps_the_blob(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.put_bytes(b"abc")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        blobs.materialise(ABC, tmp_path / "file" / "copy")
    assert caught.value.code == "MP-E702"
    assert blobs.read_bytes(ABC) == b"abc"


def test_materialise_on_a_disk_that_fills_up_keeps_the_blob(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    digest = blobs.put_bytes(b"x" * 3_000_000)
    with files_limited_to(2_000_000), pytest.raises(StoreError) as caught:
        blobs.materialise(digest, tmp_path / "out" / "copy")
    assert caught.value.code == "MP-E702"
    assert files_under(tmp_path / "out") == []
    assert blobs.has(digest)
    assert blobs.quarantine.content() == ()


def test_materialise_of_a_good_blob_opens_it_once_or_clones_it(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    blobs.put_bytes(b"abc")
    with opened_files() as opened:
        blobs.materialise(ABC, tmp_path / "copy")
    assert opened.count(str(blobs.place(ABC))) <= 2


def test_discard_removes_the_blob_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    blobs.put_bytes(b"abc")
    blobs.discard(ABC)
    blobs.discard(ABC)
    assert not blobs.has(ABC)


# --- the fallback ------------------------------------------------------------------------------------------------


def test_fallback_answers_what_the_root_lacks_and_is_not_written(tmp_path: Path) -> None:
    Blobs(tmp_path / "read").put_bytes(b"abc")
    blobs = Blobs(tmp_path / "write", Blobs(tmp_path / "read"))
    other = blobs.put_bytes(b"other")
    assert blobs.put_bytes(b"abc") == ABC
    assert blobs.has(ABC)
    assert blobs.read_bytes(ABC) == b"abc"
    assert blobs.path(ABC) == tmp_path / "read" / "ba" / ABC
    assert files_under(tmp_path) == [f"read/ba/{ABC}", f"write/{other[:2]}/{other}"]


def test_fallback_that_is_read_only_and_corrupt_counts_as_absent_and_is_made_again() -> None:
    with ordinary_user() as folder:
        read_only = folder / "read"
        Blobs(read_only).put_bytes(b"abc")
        place = read_only / "ba" / ABC
        place.chmod(0o600)
        place.write_bytes(b"abd")
        place.parent.chmod(0o500)
        read_only.chmod(0o500)
        blobs = Blobs(folder / "write", Blobs(read_only))
        with pytest.raises(StoreError):
            blobs.read_bytes(ABC)
        assert not blobs.has(ABC)
        assert place.read_bytes() == b"abd"
        blobs.put_bytes(b"abc")
        assert blobs.read_bytes(ABC) == b"abc"
        assert blobs.path(ABC) == folder / "write" / "ba" / ABC


# --- several processes -------------------------------------------------------------------------------------------


def put_many(root: Path, scratch: Path) -> None:
    """Puts the same sixty blobs as everybody else, half as bytes, half as files."""
    blobs = Blobs(root)
    scratch.mkdir()
    for number in range(60):
        content = b"blob %d " % number * 2000
        if number % 2:
            blobs.put_bytes(content)
        else:
            (scratch / "out").write_bytes(content)
            blobs.put_file(scratch / "out")


def test_put_by_two_processes_at_once_stores_each_blob_once(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    processes = [
        spawn.Process(target=put_many, args=(tmp_path / "blobs", tmp_path / f"scratch{number}"))
        for number in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    blobs = Blobs(tmp_path / "blobs")
    names = [Path(path).name for path in files_under(tmp_path / "blobs")]
    assert len(names) == 60
    assert all(blobs.verify(name) for name in names)
    assert blobs.quarantine.content() == ()
