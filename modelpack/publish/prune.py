"""Deleting what only generations beyond the kept ones name.

A publisher looks for the last time whether its chunks are there after it has replaced `manifest.json`. Here, a chunk is
set aside before `manifest.json` and the generations are looked at for the last time. So, even where locks do not work,
one of the two notices the other. A kill leaves a doomed manifest behind, and the next call goes on from there.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from modelpack.errors import ManifestError
from modelpack.publish.folder import (
    MANIFEST_FILE,
    Generation,
    chunk_names,
    generation_name,
    generations,
    is_regular,
    read_file,
    read_manifest,
    set_aside_path,
)
from modelpack.publish.wire import CHUNK_FOLDER
from modelpack.store.atomic import PART_PREFIX, writing

_STALE_AFTER_S = 3600.0  # no single file takes that long to write


def prune(folder: Path, current: str, keep_generations: int) -> int:
    """How many files were deleted. `current` is the name of the published generation."""
    with writing(folder):
        for generation in _superfluous(folder, current, keep_generations):
            with suppress(FileNotFoundError):  # another publisher was faster
                generation.path.replace(set_aside_path(generation.path))
        doomed = [generation for generation in generations(folder) if generation.is_doomed]
        aside = _set_aside(folder, _names_of(doomed), _needed(folder))
        deleted = _delete_or_restore(folder, aside, _needed(folder))
        deleted += _delete_manifests(folder, doomed)
    return deleted


def superfluous_count(folder: Path, current: str, keep_generations: int) -> int:
    """How many generations `prune` would delete, those it was interrupted at included."""
    doomed = sum(generation.is_doomed for generation in generations(folder))
    return doomed + len(_superfluous(folder, current, keep_generations))


def sweep_parts(folder: Path) -> None:
    """Temporary files of publishers that were killed are gone."""
    for place in (folder, folder / CHUNK_FOLDER):
        for path in place.glob(f"{PART_PREFIX}*"):
            with suppress(OSError):
                if is_regular(path) and time.time() - path.lstat().st_mtime > _STALE_AFTER_S:
                    path.unlink()


def _superfluous(folder: Path, current: str, keep_generations: int) -> tuple[Generation, ...]:
    older = [one for one in _alive(folder) if one.path.name != current]
    return tuple(older[keep_generations:])


def _alive(folder: Path) -> tuple[Generation, ...]:
    return tuple(generation for generation in generations(folder) if not generation.is_doomed)


def _delete_manifests(folder: Path, doomed: Iterable[Generation]) -> int:
    """How many manifests are gone; the one that somebody has published meanwhile has its name again."""
    published = read_file(folder / MANIFEST_FILE) or b""
    back = folder / generation_name(published)
    deleted = 0
    for generation in doomed:
        if generation.path == set_aside_path(back) and not is_regular(back):
            with suppress(FileNotFoundError):
                generation.path.replace(back)
        else:
            generation.path.unlink(missing_ok=True)
            deleted += 1
    return deleted


def _needed(folder: Path) -> frozenset[str]:
    """The chunk files of every generation that stays, and of whatever is published this moment."""
    names = _names_of(_alive(folder))
    with suppress(ManifestError):
        published = read_manifest(folder)
        if published is not None:
            names |= chunk_names(published)
    return names


def _names_of(found: Iterable[Generation]) -> frozenset[str]:
    return frozenset().union(*(chunk_names(generation.manifest) for generation in found))


def _set_aside(folder: Path, names: frozenset[str], needed: frozenset[str]) -> dict[str, Path]:
    """Where each of these files is now, those that an interrupted call had set aside included."""
    aside = {}
    for name in sorted(names):
        path = folder / name
        beside = set_aside_path(path)
        if name not in needed and is_regular(path):
            with suppress(FileNotFoundError):
                path.replace(beside)
        if is_regular(beside):
            aside[name] = beside
    return aside


def _delete_or_restore(folder: Path, aside: dict[str, Path], needed: frozenset[str]) -> int:
    deleted = 0
    for name, path in aside.items():
        if name in needed and not is_regular(folder / name):
            with suppress(FileNotFoundError):
                path.replace(folder / name)
        else:
            path.unlink(missing_ok=True)
            deleted += 1
    return deleted
