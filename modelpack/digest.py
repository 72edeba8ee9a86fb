"""SHA-256, the one identity of everything: cache entries, chunk names, integrity, the browser's cache.

A digest is always 64 lower-case hexadecimal digits of the plain (uncompressed) bytes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import BinaryIO

import msgspec

_BLOCK_BYTES = 1 << 20


def digest_bytes(content: bytes | memoryview) -> str:
    """The SHA-256 of `content`."""
    return hashlib.sha256(content).hexdigest()


def digest_stream(stream: BinaryIO) -> tuple[str, int]:
    """The SHA-256 of what is left in `stream`, and how many bytes that was."""
    hasher = hashlib.sha256()
    size_bytes = 0
    while block := stream.read(_BLOCK_BYTES):
        hasher.update(block)
        size_bytes += len(block)
    return hasher.hexdigest(), size_bytes


def digest_file(path: Path) -> str:
    """The SHA-256 of the file's bytes."""
    with path.open("rb") as stream:
        return digest_stream(stream)[0]


def digest_json(value: object) -> str:
    """The SHA-256 of `value` as canonical JSON."""
    return digest_bytes(canonical_json(value))


def canonical_json(value: object) -> bytes:
    """`value` as JSON with sorted keys and no white space: equal values give equal bytes."""
    return msgspec.json.encode(value, order="sorted")
