from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelpack.store.histories import Histories
from modelpack.store.sealed import seal
from tests.support.damage import every_bit_flipped, every_truncation, overwrite
from tests.support.limits import files_limited_to
from tests.support.stored import files_under

TASK = "quantize:minilm@q8"


def test_last_of_an_unknown_task_is_empty(tmp_path: Path) -> None:
    assert Histories(tmp_path, "project").last(TASK) == ()


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ("a", ("a",)),
        ("ab", ("b", "a")),
        ("aa", ("a",)),
        ("abb", ("b", "a")),
        ("aba", ("a", "b")),
        ("abc", ("c", "b")),
        ("abca", ("a", "c")),
    ],
)
def test_last_after_some_runs_gives_the_two_last_distinct_keys(
    tmp_path: Path, keys: str, expected: tuple[str, ...]
) -> None:
    for key in keys:
        Histories(tmp_path, "project").remember(TASK, key)
    assert Histories(tmp_path, "project").last(TASK) == expected


def test_remember_the_same_key_again_does_not_write_but_counts_as_use(tmp_path: Path) -> None:
    histories = Histories(tmp_path, "project")
    histories.remember(TASK, "a")
    os.utime(histories.place(TASK), (1000, 1000))
    inode = histories.place(TASK).stat().st_ino
    histories.remember(TASK, "a")
    assert histories.place(TASK).stat().st_ino == inode
    assert histories.place(TASK).stat().st_mtime > 1_000_000


def test_histories_of_projects_and_tasks_do_not_mix(tmp_path: Path) -> None:
    Histories(tmp_path, "one").remember(TASK, "a")
    Histories(tmp_path, "two").remember(TASK, "b")
    Histories(tmp_path, "two").remember("split:minilm@q8", "c")
    assert Histories(tmp_path, "one").last(TASK) == ("a",)
    assert Histories(tmp_path, "two").last(TASK) == ("b",)


def test_histories_take_any_text_as_project_and_task(tmp_path: Path) -> None:
    histories = Histories(tmp_path, "/home/ü/../\udcff\n")
    histories.remember("../../é\udcff:" + "x" * 5000, "a")
    assert histories.last("../../é\udcff:" + "x" * 5000) == ("a",)
    assert [len(name) for name in files_under(tmp_path)] == [64 + 1 + 64 + 5]


def test_last_of_a_damaged_history_is_empty_and_can_be_written_again(tmp_path: Path) -> None:
    histories = Histories(tmp_path, "project")
    histories.remember(TASK, "a" * 64)
    good = histories.place(TASK).read_bytes()
    for bad in (*every_bit_flipped(good), *every_truncation(good), seal(b"[]")):
        overwrite(histories.place(TASK), bad)
        assert histories.last(TASK) == ()
    histories.remember(TASK, "b")
    assert histories.last(TASK) == ("b",)


def test_last_of_a_history_under_another_name_is_empty(tmp_path: Path) -> None:
    histories = Histories(tmp_path, "project")
    histories.remember(TASK, "a")
    histories.place(TASK).rename(histories.place("other"))
    assert histories.last("other") == ()


def test_remember_on_a_full_disk_forgets_and_leaves_nothing(tmp_path: Path) -> None:
    histories = Histories(tmp_path, "project")
    with files_limited_to(0):
        histories.remember(TASK, "a")
    assert histories.last(TASK) == ()
    assert files_under(tmp_path) == []


def test_fallback_answers_and_is_not_written(tmp_path: Path) -> None:
    Histories(tmp_path / "read", "project").remember(TASK, "a")
    fallback = Histories(tmp_path / "read", "project")
    histories = Histories(tmp_path / "write", "project", fallback)
    assert histories.last(TASK) == ("a",)
    histories.remember(TASK, "b")
    assert histories.last(TASK) == ("b", "a")
    assert fallback.last(TASK) == ("a",)
