"""The files of the cache by kind. Only what carries a name of ours at a place of ours is listed; no link is followed."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from modelpack.store.actions import Actions
from modelpack.store.atomic import PART_PREFIX
from modelpack.store.blobs import Blobs
from modelpack.store.store import Store

_BLOB_NAME = re.compile(r"[0-9a-f]{64}")
_RECORD_NAME = re.compile(r"[0-9a-f]{64}\.json")
_PART_NAME = re.compile(re.escape(PART_PREFIX) + r"[0-9a-f]{16}")
_PREFIX = re.compile(r"[0-9a-f]{2}")


class StoredFile(Struct, frozen=True):
    """A regular file of ours. `changed_at_s` is its mtime, which for records is the time of the last use."""

    path: Path
    size_bytes: int
    changed_at_s: float


def blob_places(blobs: Blobs) -> Iterator[Path]:
    """Everything that lies where a blob would, whatever it is; the fallback is not looked at."""
    return _places(blobs.root, _BLOB_NAME)


def record_places(actions: Actions) -> Iterator[Path]:
    """Everything that lies where a record would, whatever it is; the fallback is not looked at."""
    return _places(actions.root, _RECORD_NAME)


def blob_files(blobs: Blobs) -> Iterator[StoredFile]:
    """The files among the blobs' places."""
    return _files(blob_places(blobs))


def record_files(actions: Actions) -> Iterator[StoredFile]:
    """The files among the records' places."""
    return _files(record_places(actions))


def memory_files(store: Store) -> Iterator[StoredFile]:
    """The files that only save time or explain: histories and remembered stats, of all projects."""
    yield from _files(_children(store.stat_cache.path.parent, _RECORD_NAME))
    for project in _children(store.histories.folder.parent, _BLOB_NAME):
        yield from _files(_children(project, _RECORD_NAME))


def part_files(store: Store) -> Iterator[StoredFile]:
    """Temporary files that a killed process left behind, or that one is writing."""
    roots = (store.blobs.root, store.actions.root)
    folders = [
        store.directory,  # every folder is probed by making a file in it
        store.scratch.root,
        store.histories.folder.parent,
        store.stat_cache.path.parent,
        *roots,
        *(folder for root in roots for folder in _children(root, _PREFIX)),
        *_children(store.histories.folder.parent, _BLOB_NAME),
    ]
    for folder in folders:
        yield from _files(_children(folder, _PART_NAME))


def _places(root: Path, name: re.Pattern[str]) -> Iterator[Path]:
    for folder in _children(root, _PREFIX):
        for place in _children(folder, name):
            if place.name.startswith(folder.name):
                yield place


def _children(folder: Path, name: re.Pattern[str]) -> Iterator[Path]:
    """What lies in the folder under such a name, sorted; nothing if `folder` is a link or no folder."""
    try:
        if not stat.S_ISDIR(folder.lstat().st_mode):
            return
        names = sorted(os.listdir(folder))  # noqa: PTH208 - names are all that is needed
    except OSError:
        return
    yield from (folder / child for child in names if name.fullmatch(child))


def _files(places: Iterator[Path]) -> Iterator[StoredFile]:
    for place in places:
        try:
            status = place.lstat()
        except OSError:
            continue
        if stat.S_ISREG(status.st_mode):
            yield StoredFile(place, status.st_size, status.st_mtime)
