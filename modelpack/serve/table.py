"""Everything that the development server gives out, by its exact address. Nothing else has an address.

1. The table is made from published manifests and from lists of files of our own; requests only look things up in it.
2. What may change under its address (`manifest.json`) is held in memory, so that its bytes and its ETag agree.
3. Chunks of kept generations stay in the table: a page that was loaded before a build still finds them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.publish.folder import (
    MANIFEST_FILE,
    chunk_name,
    generations,
    read_file,
)
from modelpack.publish.hosts import published_files
from modelpack.publish.wire import Manifest

MODELS: Final = "/models/"
_BINARY: Final = "application/octet-stream"
_JSON: Final = "application/json"
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK: Final = "no-cache"
_CONTENT_CODINGS: Final = {"br": "br", "zstd": "zstd", "gzip": "gzip"}
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
}


class Resource(Struct, frozen=True):
    """What is at an address: a file, or bytes. `encoded` has its encoded forms, the smallest first.

    Without an `etag`, the file's times stand for its content.
    """

    media_type: str
    cache: str = _ASK
    etag: str = ""
    path: Path | None = None
    content: bytes = b""
    encoded: tuple[tuple[str, Path], ...] = ()


Table = Mapping[str, Resource]


def published_table(folder: Path) -> dict[str, Resource]:
    """What is published in the folder: the manifest, and every generation with its chunks. Empty where nothing is."""
    table: dict[str, Resource] = {}
    for generation in generations(folder):
        if generation.is_doomed:
            continue
        table.update(_chunks(folder, generation.manifest))
        content = read_file(generation.path)
        if content is not None:
            table[MODELS + generation.path.name] = _json(content, _FOREVER)
    content = read_file(folder / MANIFEST_FILE)
    if content is not None and table:
        table[MODELS + MANIFEST_FILE] = _json(content, _ASK)
    return table


def files_table(prefix: str, folder: Path) -> dict[str, Resource]:
    """The files of a folder, not of those below it, that have a type a page can use."""
    return {
        prefix + path.name: Resource(_TYPES[path.suffix], path=path)
        for path in sorted(folder.glob("*"))
        if path.suffix in _TYPES and path.is_file()
    }


def json_resource(content: bytes) -> Resource:
    """JSON that may change."""
    return _json(content, _ASK)


def _json(content: bytes, cache: str) -> Resource:
    return Resource(_JSON, cache, f'"{digest_bytes(content)}"', content=content)


def _chunks(folder: Path, manifest: Manifest) -> Iterator[tuple[str, Resource]]:
    for chunk in manifest.chunks:
        first, *others = published_files(chunk, manifest.delivery.mode)
        beside = sorted((file.size_bytes, file) for file in others if file.form is not None)
        yield (
            MODELS + chunk_name(manifest, chunk, first),
            Resource(
                _BINARY,
                _FOREVER,
                f'"{chunk.hash}{first.extension}"',
                folder / chunk_name(manifest, chunk, first),
                encoded=tuple(
                    (_CONTENT_CODINGS[str(file.form)], folder / chunk_name(manifest, chunk, file))
                    for _, file in beside
                ),
            ),
        )
