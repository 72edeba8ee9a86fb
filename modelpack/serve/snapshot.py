"""What the inputs of a build are at this moment, cheaply: by their stats, never by their content.

Events of the system are only hints that something happened; they overflow, get lost, and network drives send none. What
a watch goes by is whether two snapshots differ.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from modelpack.store.signature import Signature, stat_signature

Mark = Signature | tuple[str, ...] | None
Snapshot = Mapping[Path, Mark]


class Watched(Struct, frozen=True):
    """What goes into a build: files, there or not; trees of samples; folders in which only the names count.

    Nothing in `ours` counts: what a build writes must not start the next one.
    """

    files: frozenset[Path] = frozenset()
    trees: frozenset[Path] = frozenset()
    names: frozenset[Path] = frozenset()
    ours: frozenset[Path] = frozenset()

    def joined(self, other: Watched) -> Watched:
        """Both together."""
        return Watched(
            self.files | other.files,
            self.trees | other.trees,
            self.names | other.names,
            self.ours | other.ours,
        )


def look(watched: Watched) -> Snapshot:
    """A mark for everything watched; None for what is not there."""
    marks: dict[Path, Mark] = {path: _signature(path) for path in watched.files}
    for tree in watched.trees:
        marks[tree] = None
        marks.update(_tree(tree, watched.ours))
    for folder in watched.names:
        marks.setdefault(folder, _names(folder, watched.ours))
    return marks


def changed_files(before: Snapshot, after: Snapshot) -> tuple[Path, ...]:
    """What came, went or is another file now, in order."""
    either = before.keys() | after.keys()
    return tuple(sorted(path for path in either if _mark(before, path) != _mark(after, path)))


def has_grown(before: Snapshot, after: Snapshot) -> tuple[Path, ...]:
    """The files that came or became longer: somebody may still be writing them."""
    return tuple(
        path for path in changed_files(before, after) if _size(after, path) > _size(before, path)
    )


def are_emptied(before: Snapshot, after: Snapshot) -> tuple[Path, ...]:
    """The files that changed and are empty now: somebody is about to write them."""
    return tuple(path for path in changed_files(before, after) if _size(after, path) == 0)


def folders_of(watched: Watched, snapshot: Snapshot) -> frozenset[Path]:
    """The folders in which a change would show; in place of a missing one, the nearest that is there."""
    wanted = {path.parent for path in watched.files} | watched.trees | watched.names
    inside = (path for path in snapshot if any(path.is_relative_to(tree) for tree in watched.trees))
    wanted |= {path.parent for path in inside}
    return frozenset(_nearest(folder) for folder in wanted)


def _mark(snapshot: Snapshot, path: Path) -> Mark:
    return snapshot.get(path)


def _size(snapshot: Snapshot, path: Path) -> int:
    mark = snapshot.get(path)
    return mark[0] if mark and isinstance(mark[0], int) else -1


def _signature(path: Path) -> Signature | None:
    try:
        signature = stat_signature(path)
    except (OSError, ValueError):
        return None
    if path.is_dir():  # its times change with whatever is put into it
        return (0, 0, 0, signature[3])
    return signature


def _tree(tree: Path, ours: frozenset[Path]) -> Iterator[tuple[Path, Mark]]:
    """Every file as `list_folder` finds it, and every folder, so that an empty one counts too."""
    for place, folders, names in os.walk(tree):
        folder = Path(place)
        folders[:] = [
            name for name in folders if not name.startswith(".") and folder / name not in ours
        ]
        yield folder, tuple(sorted(folders))
        for name in names:
            if not name.startswith("."):
                yield folder / name, _signature(folder / name)


def _names(folder: Path, ours: frozenset[Path]) -> tuple[str, ...] | None:
    try:
        names = os.listdir(folder)  # noqa: PTH208 (names are all that is wanted)
    except OSError:
        return None
    return tuple(
        sorted(name for name in names if not name.startswith(".") and folder / name not in ours)
    )


def _nearest(folder: Path) -> Path:
    return next(place for place in (folder, *folder.parents) if place.is_dir())
