"""What `modelpack clean` may delete from an output folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from modelpack.errors import ManifestError
from modelpack.publish.folder import (
    MANIFEST_FILE,
    chunk_names,
    generations,
    is_regular,
    read_manifest,
    set_aside_path,
)
from modelpack.publish.wire import Manifest


def published_files(folder: Path) -> tuple[Path, ...]:
    """The files that our own generations record, and nothing else. Manifests come last, so that a stop loses no record."""
    recorded = generations(folder)
    chunks = {path for one in recorded for path in _chunk_paths(folder, one.manifest)}
    manifests = [one.path for one in recorded]
    with suppress(ManifestError):  # damaged or somebody else's: not ours to delete
        published = read_manifest(folder)
        if published is not None:
            chunks.update(_chunk_paths(folder, published))
            manifests.insert(0, folder / MANIFEST_FILE)
    return (*sorted(path for path in chunks if is_regular(path)), *manifests)


def _chunk_paths(folder: Path, manifest: Manifest) -> Iterator[Path]:
    for name in chunk_names(manifest):
        yield folder / name
        yield set_aside_path(folder / name)
