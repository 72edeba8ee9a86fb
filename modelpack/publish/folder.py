"""What lies in an output folder, and which of it is ours.

1. Ours is what one of our manifests names: itself, and the files of its chunks. Everything else is foreign.
2. A generation is a file `manifest.<hash>.json` whose bytes have that hash and are a manifest.
3. Links inside the folder are never followed: a link in place of a file of ours counts as missing.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.errors import ManifestError, StoreError
from modelpack.publish.hosts import PublishedFile, published_files
from modelpack.publish.parse import parse_manifest
from modelpack.publish.wire import CHUNK_FOLDER, Manifest, ManifestChunk
from modelpack.store.regular import open_regular

MANIFEST_FILE = "manifest.json"
DOOMED_PREFIX = ".doomed-"  # set aside, to be deleted as soon as nobody turns out to need it
_HASH_DIGITS = 16  # 64 bits: enough to tell generations apart; what is pinned is the whole digest
_GENERATION = re.compile(
    rf"(?:{re.escape(DOOMED_PREFIX)})?manifest\.([0-9a-f]{{{_HASH_DIGITS}}})\.json"
)


class Generation(Struct, frozen=True):
    """A manifest that is or was published, and when it last became the current one."""

    path: Path
    manifest: Manifest
    modified_ns: int

    @property
    def is_doomed(self) -> bool:
        """Whether its files are being deleted."""
        return self.path.name.startswith(DOOMED_PREFIX)


def generation_name(content: bytes) -> str:
    """The immutable name under which these bytes of a manifest are published."""
    return f"manifest.{digest_bytes(content)[:_HASH_DIGITS]}.json"


def read_file(path: Path) -> bytes | None:
    """The bytes of a regular file; None where there is none."""
    try:
        with open_regular(path) as stream:
            return stream.read()
    except OSError:
        return None


def read_manifest(folder: Path) -> Manifest | None:
    """The manifest that is published; None where nothing is.

    Raises: ManifestError MP-E710 if it is malformed.
    """
    content = read_file(folder / MANIFEST_FILE)
    return None if content is None else parse_manifest(content)


def generations(folder: Path) -> tuple[Generation, ...]:
    """Every generation in the folder, the newest first."""
    found = [_generation(path) for path in _listed(folder) if _GENERATION.fullmatch(path.name)]
    known = [generation for generation in found if generation is not None]
    return tuple(sorted(known, key=lambda one: (-one.modified_ns, one.path.name)))


def chunk_files(manifest: Manifest) -> Iterator[tuple[str, ManifestChunk, PublishedFile]]:
    """The files of every chunk: its name in the folder, the chunk, and the form."""
    for chunk in manifest.chunks:
        for file in published_files(chunk, manifest.delivery.mode):
            yield chunk_name(manifest, chunk, file), chunk, file


def chunk_name(manifest: Manifest, chunk: ManifestChunk, file: PublishedFile) -> str:
    """Where the file of a chunk lies in the folder."""
    relative = manifest.delivery.chunk_url.replace("{hash}", chunk.hash)
    return manifest.delivery.base.removeprefix("./") + relative.replace("{ext}", file.extension)


def chunk_names(manifest: Manifest) -> frozenset[str]:
    """The names of all chunk files."""
    return frozenset(name for name, _, _ in chunk_files(manifest))


def set_aside_path(path: Path) -> Path:
    """Where a file waits to be deleted or to be needed again."""
    return path.with_name(f"{DOOMED_PREFIX}{path.name}")


def refuse_foreign(folder: Path) -> None:
    """Raises: StoreError MP-E702 if `manifest.json` is somebody else's (a web app has one too), or `c` is a link."""
    chunks = folder / CHUNK_FOLDER
    if chunks.is_symlink():
        raise _occupied(chunks, "it is a link, and links are not followed here")
    content = read_file(folder / MANIFEST_FILE)
    if content is None or generations(folder):
        return
    try:
        parse_manifest(content)
    except ManifestError as err:
        raise _occupied(
            folder / MANIFEST_FILE, "it exists and is not a manifest of modelpack"
        ) from err


def is_regular(path: Path) -> bool:
    """Whether a file, not a link, is at that path."""
    with suppress(OSError):
        return stat.S_ISREG(path.lstat().st_mode)
    return False


def _listed(folder: Path) -> list[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        return [Path(entry.path) for entry in entries]
    return []


def _generation(path: Path) -> Generation | None:
    content = read_file(path)
    match = _GENERATION.fullmatch(path.name)
    if content is None or match is None or digest_bytes(content)[:_HASH_DIGITS] != match[1]:
        return None
    with suppress(ManifestError, OSError):
        return Generation(path, parse_manifest(content), path.lstat().st_mtime_ns)
    return None


def _occupied(path: Path, found: str) -> StoreError:
    return StoreError(
        "MP-E702",
        found,
        where=path.name,
        remedy="choose another output.path in modelpack.toml; modelpack deletes nothing it did not write",
    )
