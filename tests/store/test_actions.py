from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from modelpack.errors import StoreError
from modelpack.store.actions import Actions
from modelpack.store.sealed import seal
from tests.support.damage import every_bit_flipped, every_truncation, overwrite
from tests.support.opened_files import opened_files
from tests.support.stored import action_record, files_under

RECORD = action_record("digits", b"first", b"second")
KEY = RECORD.key


def test_get_of_what_was_put_gives_it_back(tmp_path: Path) -> None:
    Actions(tmp_path).put(RECORD)
    assert Actions(tmp_path).get(KEY) == RECORD
    assert files_under(tmp_path) == [f"{KEY[:2]}/{KEY}.json"]


def test_put_again_replaces_the_record(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    actions.put(RECORD)
    other = msgspec.structs.replace(RECORD, result=action_record("digits", b"third").result)
    actions.put(other)
    assert actions.get(KEY) == other


def test_get_of_an_unknown_key_is_a_miss_and_makes_nothing(tmp_path: Path) -> None:
    assert Actions(tmp_path / "actions").get("0" * 64) is None
    assert files_under(tmp_path) == []


@pytest.mark.parametrize("key", ["", "../../etc/passwd", "/etc/passwd", "A" * 64, "0" * 63])
def test_get_of_what_is_no_key_opens_nothing(tmp_path: Path, key: str) -> None:
    with opened_files() as opened:
        assert Actions(tmp_path).get(key) is None
    assert opened == []


def test_get_opens_one_file(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    actions.put(RECORD)
    with opened_files() as opened:
        actions.get(KEY)
    assert opened == [str(actions.place(KEY))]


def test_get_of_any_truncation_is_a_miss(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    actions.put(RECORD)
    for content in every_truncation(actions.place(KEY).read_bytes()):
        overwrite(actions.place(KEY), content)
        assert actions.get(KEY) is None


def test_get_with_any_bit_flipped_is_a_miss(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    actions.put(RECORD)
    for content in every_bit_flipped(actions.place(KEY).read_bytes()):
        overwrite(actions.place(KEY), content)
        assert actions.get(KEY) is None


def test_get_of_a_whole_record_under_another_name_is_a_miss(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    other = action_record("other")
    actions.put(RECORD)
    actions.put(other)
    actions.place(other.key).replace(actions.place(KEY))
    assert actions.get(KEY) is None


def test_get_of_a_newer_layout_is_a_miss_and_leaves_it_alone(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    actions.put(RECORD)
    newer = actions.place(KEY).read_bytes().replace(b'"layout":1', b'"layout":2')
    actions.place(KEY).write_bytes(newer)
    assert actions.get(KEY) is None
    assert actions.place(KEY).read_bytes() == newer


def test_get_of_a_step_this_version_does_not_know_is_a_miss_and_leaves_it_alone(
    tmp_path: Path,
) -> None:
    actions = Actions(tmp_path)
    content = msgspec.json.encode(RECORD).replace(b'"type":"split"', b'"type":"prune"')
    assert b"prune" in content
    actions.place(KEY).parent.mkdir()
    actions.place(KEY).write_bytes(seal(content))
    assert actions.get(KEY) is None
    assert actions.place(KEY).read_bytes() == seal(content)


@pytest.mark.parametrize("shape", ["folder", "link", "pipe", "hard link"])
def test_get_where_something_else_lies_is_a_miss(tmp_path: Path, shape: str) -> None:
    actions = Actions(tmp_path)
    actions.put(RECORD)
    place, aside = actions.place(KEY), tmp_path / "aside"
    place.rename(aside)
    if shape == "folder":
        place.mkdir()
    elif shape == "link":
        place.symlink_to(aside)
    elif shape == "pipe":
        os.mkfifo(place)
    else:
        os.link(aside, place)
    assert actions.get(KEY) is None


def test_put_over_a_damaged_record_heals_it(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    actions.put(RECORD)
    actions.place(KEY).write_bytes(b"")
    actions.put(RECORD)
    assert actions.get(KEY) == RECORD


def test_get_makes_the_record_the_most_recently_used(tmp_path: Path) -> None:
    actions = Actions(tmp_path)
    actions.put(RECORD)
    os.utime(actions.place(KEY), (1000, 1000))
    actions.get(KEY)
    assert actions.place(KEY).stat().st_mtime > 1_000_000


def test_put_where_nothing_can_be_written_is_a_store_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError) as caught:
        Actions(tmp_path / "file").put(RECORD)
    assert caught.value.code == "MP-E702"


def test_fallback_answers_what_the_root_lacks_and_is_not_written(tmp_path: Path) -> None:
    other = action_record("other")
    Actions(tmp_path / "read").put(RECORD)
    actions = Actions(tmp_path / "write", Actions(tmp_path / "read"))
    actions.put(other)
    assert actions.get(KEY) == RECORD
    assert actions.get(other.key) == other
    assert Actions(tmp_path / "read").get(other.key) is None
