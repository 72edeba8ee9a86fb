"""Published chunks and files, read back from the folder with nothing but the manifest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from modelpack.decoding import DecodingError, decode
from modelpack.digest import digest_bytes
from modelpack.errors import ManifestError
from modelpack.publish.folder import chunk_name, read_file
from modelpack.publish.hosts import PublishedFile, published_files
from modelpack.publish.parts import file_slices
from modelpack.publish.wire import Manifest, ManifestChunk, ManifestFile

_CHUNKS_IN_MEMORY = 4  # small weights on both sides of a large one come from the same chunk
_REBUILD = "run `modelpack build` to publish it again"


class PublishedPack:
    """The files a manifest describes. Every byte that is read is verified."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._plain = lru_cache(_CHUNKS_IN_MEMORY)(self._read_chunk)

    def blocks(self, file: ManifestFile) -> Iterator[memoryview]:
        """The bytes of the file. Raises: ManifestError MP-E711 if a chunk is missing or corrupt."""
        for part in file_slices(self.manifest, file):
            if part.chunk is None:
                yield memoryview(bytes(part.size_bytes))
            else:
                end = part.offset_bytes + part.size_bytes
                yield memoryview(self._plain(part.chunk))[part.offset_bytes : end]

    def check_file(self, file_id: str) -> None:
        """Raises: ManifestError MP-E711 if the chunks do not make the file."""
        file = self.manifest.files[file_id]
        hasher = hashlib.sha256()
        for block in self.blocks(file):
            hasher.update(block)
        if hasher.hexdigest() != file.hash:
            raise ManifestError(
                "MP-E711",
                f"its chunks make {hasher.hexdigest()}; expected {file.hash}",
                where=file_id,
                remedy=_REBUILD,
            )

    def check_chunk(self, chunk: ManifestChunk, file: PublishedFile) -> None:
        """Raises: ManifestError MP-E711 if that file is missing or does not give the chunk."""
        read_chunk(self.folder / chunk_name(self.manifest, chunk, file), chunk, file)

    def _read_chunk(self, position: int) -> bytes:
        chunk = self.manifest.chunks[position]
        file = published_files(chunk, self.manifest.delivery.mode)[0]
        return read_chunk(self.folder / chunk_name(self.manifest, chunk, file), chunk, file)


def read_chunk(path: Path, chunk: ManifestChunk, file: PublishedFile) -> bytes:
    """The plain bytes of the chunk. Raises: ManifestError MP-E711 if the file does not give them."""
    content = read_file(path)
    if content is None:
        raise _bad(path, "missing, or not a regular file")
    if len(content) != file.size_bytes:
        raise _bad(path, f"{len(content)} bytes; expected {file.size_bytes}")
    try:
        plain = content if file.form is None else decode(file.form, content, chunk.size)
    except DecodingError as err:
        raise _bad(path, str(err)) from err
    if (found := digest_bytes(plain)) != chunk.hash:
        raise _bad(path, f"the content has the digest {found}")
    return plain


def _bad(path: Path, found: str) -> ManifestError:
    return ManifestError("MP-E711", found, where=f"{path.parent.name}/{path.name}", remedy=_REBUILD)
