"""Counting, checking and trimming what is stored.

1. What was used longest ago goes first: records by their last use, blobs with the last record that names them.
2. What was made or used within the grace period stays: a build that runs at the same time needs it.
3. A reader that loses an object all the same rebuilds it; nothing here waits for or stops a build.
4. Only files that carry a name of ours are removed, only under our own roots, and no link is followed (listing.py).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct

from modelpack.store.actions import ActionRecord
from modelpack.store.blobs import Blobs
from modelpack.store.listing import (
    StoredFile,
    blob_files,
    blob_places,
    memory_files,
    part_files,
    record_files,
    record_places,
)
from modelpack.store.quarantine import Quarantine
from modelpack.store.regular import open_ours
from modelpack.store.removal import size_of_tree
from modelpack.store.sealed import decode_sealed, is_other_layout, read_sealed, unseal
from modelpack.store.store import Store

GRACE_S = (
    3600.0  # longer than a step takes from storing its blobs to storing the record that names them
)
_COLLECT_EVERY_S = 86400.0
_STAMP = "collected"  # its time is that of the last collection
PART_GRACE_S = (
    24 * GRACE_S
)  # nothing is written for a day, no clock is wrong by one; losing a part fails a build

_Check = tuple[Path, Callable[[], bool]]


class CacheStats(Struct, frozen=True, rename="camel"):
    """What is stored, the read-only part included."""

    blobs: int
    blob_bytes: int
    actions: int
    action_bytes: int
    quarantined: int
    quarantined_bytes: int


class Collected(Struct, frozen=True, rename="camel"):
    """What a garbage collection removed, and how many bytes of records and blobs it kept."""

    actions: int
    blobs: int
    freed_bytes: int
    kept_bytes: int


def cache_stats(store: Store) -> CacheStats:
    """The figures of `modelpack cache stats`."""
    blobs = {file.path.name: file for layer in _layers(store.blobs) for file in blob_files(layer)}
    records = {file.path.name: file for file in record_files(store.actions)}
    if store.actions.fallback is not None:
        records |= {file.path.name: file for file in record_files(store.actions.fallback)}
    held = [path for layer in _layers(store.blobs) for path in layer.quarantine.content()]
    return CacheStats(
        blobs=len(blobs),
        blob_bytes=_total_bytes(blobs.values()),
        actions=len(records),
        action_bytes=_total_bytes(records.values()),
        quarantined=len(held),
        quarantined_bytes=sum(map(size_of_tree, held)),
    )


def collect_garbage(store: Store, max_size_bytes: int, max_age_s: float, now: float) -> Collected:
    """What was removed, so that the cache holds at most so many bytes and nothing unused for so long. `now` as `time.time()`."""
    live, doomed = _choose(store, max_size_bytes, max_age_s, now)
    # Records first: a record without its blobs is a miss, but a hit whose blobs go is a build that fails.
    records = [file for file in doomed if _remove(file)]
    unnamed = (file for file in blob_files(store.blobs) if file.path.name not in live)
    blobs = [file for file in unnamed if not _is_young(file, now) and _remove(file)]
    old = [file for file in memory_files(store) if now - _used_at_s(file, now) > max_age_s]
    parts = [file for file in part_files(store) if abs(now - file.changed_at_s) > PART_GRACE_S]
    litter = [file for file in (*old, *parts) if not _is_young(file, now) and _remove(file)]
    return Collected(
        actions=len(records),
        blobs=len(blobs),
        freed_bytes=_total_bytes((*records, *blobs, *litter)),
        kept_bytes=_total_bytes((*record_files(store.actions), *blob_files(store.blobs))),
    )


def collect_when_due(
    store: Store, max_size_bytes: int, max_age_s: float, now: float
) -> Collected | None:
    """What a garbage collection removed, if the last one is a day ago; scanning a large cache takes seconds."""
    stamp = store.actions.root.parent / _STAMP
    with suppress(FileNotFoundError):
        if now - stamp.stat().st_mtime < _COLLECT_EVERY_S:
            return None
    try:
        stamp.touch()
        os.utime(stamp, (now, now))
    except OSError:
        return None  # a cache that cannot be written cannot be trimmed
    return collect_garbage(store, max_size_bytes, max_age_s, now)


def verify_cache(
    store: Store, on_progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[str, ...]:
    """One line for each stored file that is bad; it is in quarantine now. `on_progress` hears files done and in total."""
    checks = (*_blob_checks(store), *_record_checks(store))
    problems = []
    for done, (place, is_good) in enumerate(checks, start=1):
        # What a concurrent garbage collection removed meanwhile is no problem.
        if os.path.lexists(place) and not is_good():
            problems.append(f"{place}: corrupt; it was set aside and will be rebuilt when needed")
        on_progress(done, len(checks))
    return tuple(problems)


def _choose(
    store: Store, max_size_bytes: int, max_age_s: float, now: float
) -> tuple[set[str], list[StoredFile]]:
    """The blobs that stay because a record names them, and the records that go."""
    sizes = {file.path.name: file.size_bytes for file in blob_files(store.blobs)}
    records = sorted(record_files(store.actions), key=lambda file: -_used_at_s(file, now))
    live: set[str] = set()
    doomed = []
    total_bytes = 0
    for file in records:
        named = _named_by(file.path) & sizes.keys()
        total_bytes += file.size_bytes + sum(sizes[digest] for digest in named - live)
        is_over = total_bytes > max_size_bytes or now - _used_at_s(file, now) > max_age_s
        if is_over and not _is_young(file, now):
            doomed.append(file)
        else:
            live |= named
    return live, doomed


def _named_by(record: Path) -> set[str]:
    decoded = read_sealed(record, ActionRecord)
    return set() if decoded is None else {output.digest for output in decoded.result.outputs}


def _remove(file: StoredFile) -> bool:
    """Whether the file is gone; it stays if somebody used it since it was listed."""
    try:
        if file.path.lstat().st_mtime != file.changed_at_s:
            return False
        file.path.unlink()
    except OSError:
        return False
    return True


def _is_young(file: StoredFile, now: float) -> bool:
    return now - _used_at_s(file, now) < GRACE_S


def _used_at_s(file: StoredFile, now: float) -> float:
    # A stamp from the future is a clock that was wrong; believing it would keep the file for ever.
    return file.changed_at_s if file.changed_at_s <= now + GRACE_S else 0.0


def _total_bytes(files: Iterable[StoredFile]) -> int:
    return sum(file.size_bytes for file in files)


def _layers(blobs: Blobs) -> Iterator[Blobs]:
    yield blobs
    if blobs.fallback is not None:
        yield from _layers(blobs.fallback)


def _blob_checks(store: Store) -> Iterator[_Check]:
    for layer in _layers(store.blobs):
        for place in blob_places(layer):
            yield place, partial(layer.verify, place.name)


def _record_checks(store: Store) -> Iterator[_Check]:
    for actions in (store.actions, store.actions.fallback):
        if actions is not None:
            for place in record_places(actions):
                yield place, partial(_verify_record, place, store.blobs.quarantine)


def _verify_record(place: Path, quarantine: Quarantine) -> bool:
    """Whether the record is good or of another layout; if not, it is in quarantine now."""
    try:
        with open_ours(place) as stream:
            sealed = stream.read()
    except OSError:
        sealed = b""
    record = decode_sealed(sealed, ActionRecord)
    # Another layout, or whole with content that only another version understands: not ours to judge.
    is_foreign = is_other_layout(sealed) or (record is None and unseal(sealed) is not None)
    if is_foreign or (record is not None and record.key == place.stem):
        return True
    quarantine.take(place)
    return False
