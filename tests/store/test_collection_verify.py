from __future__ import annotations

import os
from pathlib import Path

import pytest

from modelpack.digest import digest_bytes
from modelpack.store.actions import ActionRecord
from modelpack.store.collection import cache_stats, verify_cache
from modelpack.store.sealed import seal
from modelpack.store.store import Store, open_store
from tests.support.damage import one_bit_flipped
from tests.support.ordinary_user import ordinary_user
from tests.support.stored import action_record


def keep(store: Store, name: str, *blobs: bytes) -> ActionRecord:
    """A stored record with its blobs."""
    record = action_record(name, *blobs)
    for blob in blobs:
        store.blobs.put_bytes(blob)
    store.actions.put(record)
    return record


def test_verify_of_a_good_cache_finds_nothing_and_reports_progress(store: Store) -> None:
    keep(store, "a", b"x", b"y")
    heard: list[tuple[int, int]] = []
    assert verify_cache(store, lambda done, total: heard.append((done, total))) == ()
    assert heard == [(1, 3), (2, 3), (3, 3)]


def test_verify_names_and_sets_aside_what_is_bad(store: Store) -> None:
    good = keep(store, "good", b"good")
    bad = keep(store, "bad", b"bad")
    blob, record = store.blobs.path(digest_bytes(b"bad")), store.actions.place(bad.key)
    blob.chmod(0o600)
    for path in (blob, record):
        path.write_bytes(one_bit_flipped(path.read_bytes()))
    assert verify_cache(store) == (
        f"{blob}: corrupt; it was set aside and will be rebuilt when needed",
        f"{record}: corrupt; it was set aside and will be rebuilt when needed",
    )
    assert store.actions.get(good.key) == good
    assert store.blobs.read_bytes(digest_bytes(b"good")) == b"good"
    assert not blob.exists()
    assert not record.exists()
    assert cache_stats(store).quarantined == 2
    assert verify_cache(store) == ()


@pytest.mark.parametrize("shape", ["folder", "link", "pipe", "hard link", "cut", "renamed"])
def test_verify_finds_every_kind_of_damage(store: Store, tmp_path: Path, shape: str) -> None:
    record = keep(store, "a", b"abc")
    for place in (store.blobs.path(digest_bytes(b"abc")), store.actions.place(record.key)):
        aside = tmp_path / place.name
        place.rename(aside)
        if shape == "folder":
            place.mkdir()
        elif shape == "link":
            place.symlink_to(aside)
        elif shape == "pipe":
            os.mkfifo(place)
        elif shape == "hard link":
            os.link(aside, place)
        elif shape == "cut":
            place.write_bytes(aside.read_bytes()[:-1])
        else:
            swapped = place.with_name(place.name[:2] + "0" * 62 + place.suffix)
            aside.rename(swapped)
    assert len(verify_cache(store)) == 2
    assert verify_cache(store) == ()


def test_verify_leaves_records_of_other_versions_alone(store: Store) -> None:
    newer, foreign = (store.actions.place(letter * 64) for letter in "ab")
    for place, content in (
        (newer, seal(b"{}").replace(b'"layout":1', b'"layout":2')),
        (foreign, seal(b'{"key":1}')),
    ):
        place.parent.mkdir()
        place.write_bytes(content)
    assert verify_cache(store) == ()
    assert newer.exists()
    assert foreign.exists()


def test_verify_of_a_read_only_store_reports_and_counts_it_as_absent() -> None:
    with ordinary_user() as folder:
        with open_store(folder / "cache", "project") as store:
            digest = store.blobs.put_bytes(b"abc")
            place = store.blobs.path(digest)
        place.chmod(0o600)
        place.write_bytes(b"abd")
        for path in (folder / "cache", place.parent.parent, place.parent):
            path.chmod(0o500)
        with open_store(folder / "cache", "project") as store:
            assert len(verify_cache(store)) == 1
            assert not store.blobs.has(digest)
        assert place.read_bytes() == b"abd"
