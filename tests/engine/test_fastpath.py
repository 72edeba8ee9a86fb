from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelpack.digest import digest_bytes
from modelpack.engine.fastpath import recall, record_path, remember

TEXTS = {"out": "", "err": "nothing changed\n"}
LONG_AGO_S = 100.0


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"weights")
    os.utime(path, (time.time() - LONG_AGO_S,) * 2)
    return path


@pytest.fixture
def record(tmp_path: Path) -> Path:
    return record_path(tmp_path / "cache", tmp_path / "modelpack.toml", ["build"])


def test_fastpath_unchanged_files_give_the_texts(source: Path, record: Path) -> None:
    remember(record, [source], [], TEXTS)
    assert recall(record, now=time.time()) == TEXTS


def test_fastpath_without_a_record_gives_none(record: Path) -> None:
    assert recall(record, now=time.time()) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"changed"),
        lambda path: path.write_bytes(b"longer than it was"),
        Path.unlink,
        lambda path: path.rename(path.with_name("elsewhere")),
        os.utime,
    ],
    ids=["same size", "other size", "gone", "moved", "touched"],
)
def test_fastpath_changed_file_gives_none(
    source: Path, record: Path, change: Callable[[Path], object]
) -> None:
    remember(record, [source], [], TEXTS)
    change(source)
    assert recall(record, now=time.time()) is None


def test_fastpath_racy_edit_with_the_same_times_gives_none(source: Path, record: Path) -> None:
    source.write_bytes(b"racy!!!")
    remember(record, [source], [], TEXTS)
    entry = json.loads(record.read_text())
    source.write_bytes(b"edited!")
    # As if the file system's clock had not moved between the two writes.
    status = source.stat()
    entry["files"][0][1:5] = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    record.write_text(json.dumps(entry))
    assert recall(record, now=time.time()) is None


def test_fastpath_file_that_just_came_with_an_old_mtime_is_hashed(
    source: Path, record: Path
) -> None:
    remember(
        record, [source], [], TEXTS
    )  # as `cp -p` leaves it: its mtime is old, its ctime is now
    assert json.loads(record.read_text())["files"][0][-1] == digest_bytes(b"weights")


def test_fastpath_racy_entry_settles_once_time_has_passed(source: Path, record: Path) -> None:
    source.write_bytes(b"racy!!!")
    remember(record, [source], [], TEXTS)
    assert json.loads(record.read_text())["files"][0][-1] != ""
    assert recall(record, now=time.time() + LONG_AGO_S) == TEXTS
    assert json.loads(record.read_text())["files"][0][-1] == ""
    assert recall(record, now=time.time() + LONG_AGO_S) == TEXTS


def test_fastpath_file_that_must_not_be_there_gives_none(
    source: Path, record: Path, tmp_path: Path
) -> None:
    remember(record, [source], [tmp_path / "nearer.toml"], TEXTS)
    assert recall(record, now=time.time()) == TEXTS
    (tmp_path / "nearer.toml").touch()
    assert recall(record, now=time.time()) is None


def test_fastpath_other_command_line_has_another_record(tmp_path: Path) -> None:
    config = tmp_path / "modelpack.toml"
    assert record_path(tmp_path, config, ["build"]) != record_path(tmp_path, config, ["build", "a"])


def test_fastpath_damaged_record_gives_none_at_every_cut(source: Path, record: Path) -> None:
    remember(record, [source], [], TEXTS)
    content = record.read_bytes()
    for length in range(0, len(content), 31):
        record.write_bytes(content[:length])
        assert recall(record, now=time.time()) is None


def test_fastpath_unwritable_place_is_no_error(source: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file in the way")
    record = record_path(tmp_path / "cache", tmp_path / "modelpack.toml", ["build"])
    remember(record, [source], [], TEXTS)
    assert recall(record, now=time.time()) is None


def test_fastpath_of_a_file_that_changed_since_it_was_read_is_not_recorded(
    source: Path, record: Path
) -> None:
    source.write_bytes(b"edited during the build")
    read = {source: digest_bytes(b"weights")}
    remember(record, [], [], TEXTS, read=read, began_s=time.time() - 1)
    assert not record.exists()


def test_fastpath_of_a_file_that_is_as_it_was_read_is_recorded(source: Path, record: Path) -> None:
    source.write_bytes(b"weights")
    remember(record, [], [], TEXTS, read={source: digest_bytes(b"weights")}, began_s=time.time())
    assert recall(record, now=time.time()) == TEXTS


def test_fastpath_of_a_file_older_than_the_build_is_not_hashed_again(
    source: Path, record: Path
) -> None:
    remember(
        record, [], [], TEXTS, read={source: "never asked for"}, began_s=time.time() + LONG_AGO_S
    )
    assert recall(record, now=time.time()) == TEXTS
