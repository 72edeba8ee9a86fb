"""Writing a pack into its folder, so that at every instant the published manifest's chunks all exist and verify.

The order is the guarantee:

1. chunks, each whole or not at all; 2. files put together from the published chunks have the digests of the variants;
3. `manifest.<hash>.json`; 4. `manifest.json`, replaced atomically; 5. generations beyond the kept ones are deleted.

Around 4 stands a look whether everything is still there: where locks do not work, somebody may prune meanwhile.

A stop anywhere leaves the previous manifest with everything it names. What is there and equal is not written again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.errors import ManifestError
from modelpack.publish.folder import (
    MANIFEST_FILE,
    chunk_files,
    generation_name,
    is_regular,
    read_file,
    refuse_foreign,
)
from modelpack.publish.hosts import PublishedFile
from modelpack.publish.lock import publishing
from modelpack.publish.manifest import encode_manifest, make_manifest
from modelpack.publish.pack import Pack
from modelpack.publish.parse import parse_manifest
from modelpack.publish.prune import prune, superfluous_count, sweep_parts
from modelpack.publish.reading import PublishedPack, read_chunk
from modelpack.publish.wire import Manifest, ManifestChunk
from modelpack.store.atomic import part_file, sync_directory, sync_file, write_atomically, writing


class BlobSource(Protocol):
    """Where the bytes come from: the store."""

    def materialise(self, digest: str, destination: Path) -> None:
        """`destination` holds the blob, verified. Raises: StoreError if it is absent or corrupt."""
        ...


class Published(Struct, frozen=True):
    """What lies in the folder now, and what had to be done for it."""

    manifest: Manifest
    path: Path
    digest: str
    written_files: int
    deleted_files: int


_ChunkFile = tuple[str, ManifestChunk, PublishedFile]
_ATTEMPTS = 5


class _Target(Struct, frozen=True):
    """The folder, and exactly what it shall hold. `forms` has the digests of encoded chunks, by chunk and form."""

    folder: Path
    manifest: Manifest
    content: bytes
    forms: dict[tuple[str, str], str]


def publish(
    pack: Pack,
    folder: Path,
    blobs: BlobSource,
    keep_generations: int,
    *,
    on_wait: Callable[[str], None] = lambda _: None,
) -> Published:
    """The pack, published in `folder`.

    Raises: UsageError MP-E113 if the host would refuse a file; StoreError MP-E701 or MP-E702 if a chunk cannot be had
    or written; ManifestError MP-E711 if the chunks do not make the files.
    """
    manifest = make_manifest(pack)
    content = encode_manifest(manifest)
    parse_manifest(content)  # the contract, checked by the one who reads it
    target = _Target(folder, manifest, content, _form_digests(pack))
    with publishing(folder, on_wait):
        refuse_foreign(folder)
        written = _write(target, blobs)
        deleted = _prune(target, keep_generations)
    return Published(manifest, folder / MANIFEST_FILE, digest_bytes(content), written, deleted)


def require_writable(folder: Path) -> None:
    """Raises: StoreError MP-E702 if nothing can be written to the folder. To be asked before a long build."""
    with writing(folder), part_file(folder):
        pass


def _write(target: _Target, blobs: BlobSource) -> int:
    """How many files had to be written."""
    missing = tuple(_missing(target))
    current = read_file(target.folder / MANIFEST_FILE) == target.content
    generation = target.folder / generation_name(target.content)
    recorded = read_file(generation) == target.content
    if not missing and current and recorded:
        return 0
    require_writable(target.folder)
    sweep_parts(target.folder)
    _write_chunks(target, missing, blobs)
    # Also where it is there already: pruning takes the time of this file for that of the generation.
    write_atomically(generation, target.content)
    _restore(target, blobs)
    write_atomically(target.folder / MANIFEST_FILE, target.content)
    _restore(target, blobs)
    return len(missing) + (not recorded) + (not current)


def _write_chunks(target: _Target, missing: tuple[_ChunkFile, ...], blobs: BlobSource) -> None:
    """Every chunk is there, and together they make the files.

    Where locks do not work, somebody may delete a chunk that nothing published names yet; then once more.
    """
    for _ in range(_ATTEMPTS):
        for name, chunk, file in missing:
            _write_chunk(target, name, chunk, file, blobs)
        try:
            return _check_files(target)
        except ManifestError:
            missing = tuple(_missing(target))
            if not missing:
                raise
    return _check_files(target)


def _missing(target: _Target) -> Iterator[_ChunkFile]:
    """The chunk files that are not there, or whose bytes are not what they should be."""
    for name, chunk, file in chunk_files(target.manifest):
        if not _is_good(target, name, chunk, file):
            yield name, chunk, file


def _is_good(target: _Target, name: str, chunk: ManifestChunk, file: PublishedFile) -> bool:
    path = target.folder / name
    expected = _blob(target, chunk, file)
    if expected is not None:
        content = read_file(path)
        return content is not None and digest_bytes(content) == expected
    try:
        read_chunk(path, chunk, file)
    except ManifestError:
        return False
    return True


def _restore(target: _Target, blobs: BlobSource) -> None:
    """What somebody has deleted since it was written is there again."""
    for name, chunk, file in chunk_files(target.manifest):
        if not is_regular(target.folder / name):
            _write_chunk(target, name, chunk, file, blobs)
    generation = target.folder / generation_name(target.content)
    if not is_regular(generation):
        write_atomically(generation, target.content)


def _write_chunk(
    target: _Target, name: str, chunk: ManifestChunk, file: PublishedFile, blobs: BlobSource
) -> None:
    digest = _blob(target, chunk, file)
    if digest is None:
        raise ManifestError(
            "MP-E711",
            "missing or corrupt, and this build did not make it",
            where=name,
            remedy="run `modelpack build` without naming models",
        )
    path = target.folder / name
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        blobs.materialise(digest, path)
        sync_file(path)
        sync_directory(path.parent)


def _check_files(target: _Target) -> None:
    published = PublishedPack(target.folder, target.manifest)
    for file_id in target.manifest.files:
        published.check_file(file_id)


def _prune(target: _Target, keep_generations: int) -> int:
    current = generation_name(target.content)
    if not superfluous_count(target.folder, current, keep_generations):
        return 0
    return prune(target.folder, current, keep_generations)


def _blob(target: _Target, chunk: ManifestChunk, file: PublishedFile) -> str | None:
    return chunk.hash if file.form is None else target.forms.get((chunk.hash, file.form))


def _form_digests(pack: Pack) -> dict[tuple[str, str], str]:
    return {
        (chunk.digest, form.form): form.digest
        for chunk in pack.chunks
        for form in chunk.forms
        if form.digest is not None
    }
