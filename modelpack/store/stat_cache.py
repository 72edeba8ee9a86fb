"""Digests of source files, remembered by their stat so that an unchanged file is not read again.

1. A digest is reused only while size, mtime, ctime and inode are what they were when the file was hashed.
2. Not even then, if the file was so young at that time that a later change could carry the same stamps (a racy entry).
3. A file that changes while it is hashed is hashed again, at most three times.
4. The cache file is optional and never trusted further than its seal; the last writer wins, after merging.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from modelpack.digest import digest_stream
from modelpack.errors import SourceError, StoreError
from modelpack.store.atomic import write_atomically
from modelpack.store.sealed import read_sealed, seal
from modelpack.store.signature import Signature, signature_of, stat_signature

GRANULARITY_NS = 2_000_000_000  # FAT stamps files to 2 s, the coarsest of the file systems in use
MAXIMUM_ENTRIES = 20_000
_ATTEMPTS = 3


class _Entry(Struct, frozen=True, array_like=True):
    signature: Signature
    hashed_ns: int
    digest: str


class StatCache:
    """The digests of files by path. `fallback` is read when the file at `path` cannot be. Safe to share between threads."""

    def __init__(
        self, path: Path, *, clock: Callable[[], float] = time.time, fallback: Path | None = None
    ) -> None:
        self.path = path
        self._clock = clock
        self._entries = _load(fallback) if fallback is not None else {}
        self._entries.update(_load(path))
        self._fresh: dict[str, _Entry] = {}

    def digest(self, path: Path) -> tuple[str, int]:
        """SHA-256 and size of the file. Raises: OSError; SourceError MP-E230 if it keeps changing while it is read."""
        # Names that are no Unicode cannot be JSON; should two look the same, their inodes tell them apart.
        name = os.path.abspath(path).encode("utf-8", "backslashreplace").decode()  # noqa: PTH100 - 20 times faster than pathlib
        entry = self._entries.get(name)
        if entry is None or _is_racy(entry) or entry.signature != stat_signature(path):
            entry = self._hash(path)
            self._entries[name] = self._fresh[name] = entry
        return entry.digest, entry.signature[0]

    def save(self) -> None:
        """What was learnt is on disk, merged with what other processes saved meanwhile. Where the system refuses, it is forgotten."""
        if not self._fresh:
            return
        merged = _load(self.path) | self._entries | self._fresh
        newest = sorted(merged.items(), key=lambda item: item[1].hashed_ns)[-MAXIMUM_ENTRIES:]
        with suppress(
            StoreError
        ):  # a full disk costs the next build some hashing, not this one its success
            write_atomically(self.path, seal(msgspec.json.encode(dict(sorted(newest)))))
        self._fresh = {}

    def _hash(self, path: Path) -> _Entry:
        for _ in range(_ATTEMPTS):
            hashed_ns = int(self._clock() * 1e9)
            with path.open("rb") as stream:
                before = signature_of(os.fstat(stream.fileno()))
                digest, size_bytes = digest_stream(stream)
                after = signature_of(os.fstat(stream.fileno()))
            if before == after and size_bytes == before[0]:
                return _Entry(before, hashed_ns, digest)
        raise SourceError(
            "MP-E230",
            "the file keeps changing while it is read",
            where=str(path),
            remedy="wait until the program that writes it has ended, then run the command again",
        )


def _is_racy(entry: _Entry) -> bool:
    _, mtime_ns, ctime_ns, _ = entry.signature
    return max(mtime_ns, ctime_ns) > entry.hashed_ns - GRANULARITY_NS


def _load(path: Path) -> dict[str, _Entry]:
    return read_sealed(path, dict[str, _Entry]) or {}
