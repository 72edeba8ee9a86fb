from __future__ import annotations

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from modelpack.digest import digest_bytes
from modelpack.errors import StoreError
from modelpack.store.actions import ActionRecord
from modelpack.store.collection import (
    Collected,
    cache_stats,
    collect_garbage,
    collect_when_due,
)
from modelpack.store.store import Store, open_store
from tests.support.damage import one_bit_flipped
from tests.support.ordinary_user import ordinary_user
from tests.support.stored import action_record, files_under

NOW = 1_800_000_000.0
HOUR = 3600.0
DAY = 24 * HOUR
FOR_EVER = 1000 * DAY
PLENTY = 1 << 40


def keep(store: Store, name: str, *blobs: bytes, age_s: float) -> ActionRecord:
    """A stored record with its blobs, all last used so long before NOW."""
    record = action_record(name, *blobs)
    stamp = (NOW - age_s, NOW - age_s)
    for blob in blobs:
        os.utime(store.blobs.path(store.blobs.put_bytes(blob)), stamp)
    store.actions.put(record)
    os.utime(store.actions.place(record.key), stamp)
    return record


def has(store: Store, record: ActionRecord) -> bool:
    """Whether the record and all its blobs are there. Looks without touching."""
    blobs = [store.blobs.has(output.digest) for output in record.result.outputs]
    return store.actions.place(record.key).exists() and all(blobs)


# --- figures -----------------------------------------------------------------------------------------------------


def test_cache_stats_of_an_empty_store_are_zero(store: Store) -> None:
    stats = cache_stats(store)
    assert (stats.blobs, stats.blob_bytes, stats.actions, stats.quarantined) == (0, 0, 0, 0)


def test_cache_stats_count_files_and_bytes(store: Store) -> None:
    record = keep(store, "a", b"x" * 10, b"y" * 20, age_s=DAY)
    store.blobs.place("0" * 64).parent.mkdir()
    store.blobs.place("0" * 64).write_bytes(b"bad")
    store.blobs.verify("0" * 64)
    stats = cache_stats(store)
    assert (stats.blobs, stats.blob_bytes, stats.actions) == (2, 30, 1)
    assert stats.action_bytes == store.actions.place(record.key).stat().st_size
    assert (stats.quarantined, stats.quarantined_bytes) == (1, 3)


def test_cache_stats_of_a_read_only_store_count_what_can_be_read() -> None:
    with ordinary_user() as folder:
        with open_store(folder / "cache", "project") as store:
            keep(store, "a", b"x" * 10, age_s=DAY)
        for path in [folder / "cache", folder / "cache" / "v1", folder / "cache" / "v1" / "blobs"]:
            path.chmod(0o500)
        with open_store(folder / "cache", "project") as store:
            store.blobs.put_bytes(b"y" * 20)
            stats = cache_stats(store)
    assert (stats.blobs, stats.blob_bytes, stats.actions) == (2, 30, 1)


# --- garbage -----------------------------------------------------------------------------------------------------


def test_collect_within_the_limits_removes_nothing(store: Store) -> None:
    record = keep(store, "a", b"x" * 10, age_s=DAY)
    collected = collect_garbage(store, PLENTY, FOR_EVER, NOW)
    assert (collected.actions, collected.blobs, collected.freed_bytes) == (0, 0, 0)
    assert collected.kept_bytes == 10 + store.actions.place(record.key).stat().st_size
    assert has(store, record)


def test_collect_removes_what_was_not_used_for_too_long(store: Store) -> None:
    old = keep(store, "old", b"old", age_s=61 * DAY)
    new = keep(store, "new", b"new", age_s=59 * DAY)
    size_bytes = store.actions.place(old.key).stat().st_size
    collected = collect_garbage(store, PLENTY, 60 * DAY, NOW)
    assert (collected.actions, collected.blobs, collected.freed_bytes) == (1, 1, 3 + size_bytes)
    assert not store.actions.place(old.key).exists()
    assert not store.blobs.has(digest_bytes(b"old"))
    assert has(store, new)


def test_collect_removes_the_least_recently_used_until_it_fits(store: Store) -> None:
    records = [
        keep(store, str(days), bytes([days]) * 100_000, age_s=days * DAY) for days in range(1, 6)
    ]
    collect_garbage(store, 250_000, FOR_EVER, NOW)
    assert [has(store, record) for record in records] == [True, True, False, False, False]


def test_collect_after_a_hit_keeps_what_was_hit(store: Store) -> None:
    hit = keep(store, "hit", b"x" * 100_000, age_s=9 * DAY)
    other = keep(store, "other", b"y" * 100_000, age_s=2 * DAY)
    store.actions.get(hit.key)
    now = time.time() + 2 * HOUR
    os.utime(store.actions.place(other.key), (now - DAY, now - DAY))
    collect_garbage(store, 150_000, FOR_EVER, now)
    assert has(store, hit)
    assert not store.actions.place(other.key).exists()


def test_collect_keeps_a_blob_that_a_kept_record_names(store: Store) -> None:
    old = keep(store, "old", b"shared", b"old", age_s=9 * DAY)
    new = keep(store, "new", b"shared", age_s=DAY)
    os.utime(store.blobs.path(digest_bytes(b"shared")), (NOW - 9 * DAY, NOW - 9 * DAY))
    collected = collect_garbage(store, PLENTY, 5 * DAY, NOW)
    assert (collected.actions, collected.blobs) == (1, 1)
    assert has(store, new)
    assert not has(store, old)


def test_collect_counts_a_shared_blob_once(store: Store) -> None:
    records = [keep(store, str(days), b"x" * 100_000, age_s=days * DAY) for days in range(1, 4)]
    collect_garbage(store, 110_000, FOR_EVER, NOW)
    assert [has(store, record) for record in records] == [True, True, True]


@pytest.mark.parametrize(("age_s", "stays"), [(0.0, True), (HOUR - 1, True), (HOUR + 1, False)])
def test_collect_leaves_an_hour_of_grace(store: Store, age_s: float, stays: bool) -> None:
    record = keep(store, "a", b"abc", age_s=age_s)
    nameless = store.blobs.put_bytes(b"nameless")
    os.utime(store.blobs.path(nameless), (NOW - age_s, NOW - age_s))
    collect_garbage(store, 0, 0.0, NOW)
    assert has(store, record) is stays
    assert store.blobs.has(nameless) is stays


def test_collect_removes_what_is_stamped_in_the_far_future(store: Store) -> None:
    record = keep(store, "a", b"abc", age_s=-400 * DAY)
    collect_garbage(store, PLENTY, 60 * DAY, NOW)
    assert not store.actions.place(record.key).exists()
    assert not store.blobs.has(digest_bytes(b"abc"))


def test_collect_takes_a_damaged_record_for_one_without_blobs(store: Store) -> None:
    record = keep(store, "a", b"abc", age_s=DAY)
    place = store.actions.place(record.key)
    place.write_bytes(one_bit_flipped(place.read_bytes()))
    os.utime(place, (NOW - DAY, NOW - DAY))
    collected = collect_garbage(store, PLENTY, FOR_EVER, NOW)
    assert (collected.actions, collected.blobs) == (0, 1)


def test_collect_removes_old_litter_of_killed_processes(store: Store) -> None:
    folders = [store.blobs.root, store.blobs.root / "ab", store.actions.root / "cd"]
    folders += [store.directory, store.scratch.root, store.histories.folder.parent]
    for folder in folders:
        folder.mkdir(exist_ok=True)
        for name, age_s in (
            (".part-0123456789abcdef", DAY + 1),
            (".part-fedcba9876543210", DAY - 1),
        ):
            (folder / name).write_bytes(b"half")
            os.utime(folder / name, (NOW - age_s, NOW - age_s))
    assert collect_garbage(store, PLENTY, FOR_EVER, NOW) == Collected(0, 0, 24, 0)
    assert files_under(store.blobs.root) == [".part-fedcba9876543210", "ab/.part-fedcba9876543210"]
    assert files_under(store.actions.root) == ["cd/.part-fedcba9876543210"]


def test_collect_removes_old_histories_and_stats_of_all_projects(
    store: Store, tmp_path: Path
) -> None:
    with open_store(tmp_path / "cache", "another project") as other:
        other.histories.remember("task", "key")
        other.stat_cache.digest(tmp_path / "cache" / ".gitignore")
        other.stat_cache.save()
    store.histories.remember("task", "key")
    for path in (other.histories.place("task"), other.stat_cache.path):
        os.utime(path, (NOW - 90 * DAY, NOW - 90 * DAY))
    os.utime(store.histories.place("task"), (NOW - DAY, NOW - DAY))
    collect_garbage(store, PLENTY, 60 * DAY, NOW)
    assert other.histories.last("task") == ()
    assert not other.stat_cache.path.exists()
    assert store.histories.last("task") == ("key",)


def test_collect_removes_only_files_with_names_of_ours_and_follows_no_link(
    store: Store, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    digest = digest_bytes(b"abc")
    foreign = [
        store.blobs.root / "notes.txt",
        store.blobs.root / "ab" / "notes.txt",
        store.blobs.root / "ab" / digest,  # a name of ours in the wrong place
        store.blobs.root / "abc" / ("abc" + "0" * 61),
        store.actions.root / "ab" / ("a" * 64),
        outside / digest,
    ]
    for path in foreign:
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"abc")
        os.utime(path, (1000, 1000))
    (store.blobs.root / digest[:2]).symlink_to(outside)
    collected = collect_garbage(store, 0, 0.0, NOW)
    assert (collected.actions, collected.blobs, collected.freed_bytes) == (0, 0, 0)
    assert [path for path in foreign if not path.exists()] == []


def test_collect_of_a_read_only_store_touches_nothing_of_it() -> None:
    with ordinary_user() as folder:
        with open_store(folder / "cache", "project") as store:
            keep(store, "a", b"abc", age_s=FOR_EVER)
        before = files_under(folder)
        for name in ("cache", "cache/v1"):
            (folder / name).chmod(0o500)
        (folder / "cache" / "v1" / "scratch").chmod(0o500)
        with open_store(folder / "cache", "project") as store:
            assert collect_garbage(store, 0, 0.0, NOW) == Collected(0, 0, 0, 0)
        assert files_under(folder) == before


def build_again_and_again(directory: Path) -> None:
    """What a build does with the store, sixty times: hit and use, or make and use."""
    with open_store(directory, "project") as store:
        for number in range(60):
            blob = b"%d" % (number % 7) * 1000
            record = action_record(str(number % 7), blob)
            if store.actions.get(record.key) is None or not store.blobs.has(digest_bytes(blob)):
                store.blobs.put_bytes(blob)
                store.actions.put(record)
            assert read_or_make_again(store, blob) == blob


def read_or_make_again(store: Store, blob: bytes) -> bytes:
    """The blob, however often the collector takes it away."""
    while True:
        try:
            return store.blobs.read_bytes(digest_bytes(blob))
        except StoreError as error:
            if error.code != "MP-E701":
                raise
            store.blobs.put_bytes(blob)


@pytest.mark.parametrize("clock_error_s", [0.0, HOUR + 1, -HOUR - 1])
def test_collect_beside_a_build_never_breaks_it(tmp_path: Path, clock_error_s: float) -> None:
    builder = multiprocessing.get_context("spawn").Process(
        target=build_again_and_again, args=(tmp_path,)
    )
    builder.start()
    with open_store(tmp_path, "project") as store:
        while builder.is_alive():
            collect_garbage(store, 0, 0.0, time.time() + clock_error_s)
    builder.join(60)
    assert builder.exitcode == 0


def test_collect_when_due_runs_once_a_day(store: Store) -> None:
    keep(store, "old", b"old", age_s=3 * DAY)
    assert collect_when_due(store, PLENTY, 10 * DAY, NOW) is not None
    keep(store, "older", b"older", age_s=20 * DAY)
    assert collect_when_due(store, PLENTY, 10 * DAY, NOW + HOUR) is None
    collected = collect_when_due(store, PLENTY, 10 * DAY, NOW + DAY + HOUR)
    assert collected is not None
    assert (collected.actions, collected.blobs) == (1, 1)
