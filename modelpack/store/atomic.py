"""Files that appear whole or not at all.

1. Content is written to a temporary file in the target directory, synced, and renamed: readers see the old bytes or the new.
2. A temporary file never outlives the call that made it, unless the process is killed; its name says what it is
   (`.part-…`), so that garbage collection can remove it.
3. What the system refuses becomes a StoreError MP-E702 that names the path and the next action.
"""

from __future__ import annotations

import errno
import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from modelpack.errors import StoreError

PART_PREFIX = ".part-"

_REMEDIES = {
    errno.ENOSPC: "free some disk space and run the command again",
    errno.EDQUOT: "free some of your disk quota and run the command again",
    errno.EROFS: "make the file system writable or choose another directory",
    errno.EACCES: "give your user write permission or choose another directory",
    errno.EPERM: "give your user write permission or choose another directory",
    errno.EEXIST: "a part of this path is a file; choose another directory",
    errno.ENOTDIR: "a part of this path is a file; choose another directory",
}
_OTHER_REMEDY = "check the disk and the path, then run the command again"


def write_atomically(path: Path, content: bytes) -> None:
    """`path` holds exactly `content`, on disk. Raises: StoreError if the system refuses."""
    with writing(path), part_file(path.parent) as (stream, part):
        stream.write(content)
        sync_stream(stream)
        stream.close()
        part.replace(path)
        sync_directory(path.parent)


def replace_file(source: Path, destination: Path) -> None:
    """`destination` is what `source` was, on disk; `source` is gone. Both lie on one file system. Raises: StoreError."""
    with writing(destination):
        sync_file(source)
        source.replace(destination)
        sync_directory(destination.parent)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Translates what the system refuses while `path` is written into a StoreError MP-E702."""
    try:
        yield
    except OSError as refusal:
        raise StoreError(
            "MP-E702",
            f"cannot be written: {_described(refusal, path)}",
            where=str(path),
            remedy=_REMEDIES.get(refusal.errno or 0, _OTHER_REMEDY),
        ) from refusal


@contextmanager
def part_path(directory: Path) -> Iterator[Path]:
    """A free temporary name in `directory` (made if missing); what lies there at the end is removed."""
    directory.mkdir(parents=True, exist_ok=True)
    part = directory / f"{PART_PREFIX}{secrets.token_hex(8)}"
    try:
        yield part
    finally:
        with suppress(OSError):
            part.unlink()


@contextmanager
def part_file(directory: Path) -> Iterator[tuple[BinaryIO, Path]]:
    """A new temporary file in `directory`, open for writing; gone at the end unless it was renamed."""
    with part_path(directory) as part, part.open("xb") as stream:
        yield stream, part


def sync_stream(stream: BinaryIO) -> None:
    """Everything written to `stream` is on disk."""
    stream.flush()
    os.fsync(stream.fileno())


def sync_file(path: Path) -> None:
    """The content of the file is on disk."""
    # Windows syncs only what is open for writing.
    descriptor = os.open(path, os.O_RDWR if sys.platform == "win32" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_directory(directory: Path) -> None:
    """The names in the directory are on disk, where the system can promise that."""
    if sys.platform == "win32":
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        # Some network file systems cannot sync a directory; then a power cut may lose the name, never the rest.
        with suppress(OSError):
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _described(refusal: OSError, path: Path) -> str:
    reason = refusal.strerror or str(refusal)
    culprit = os.fspath(refusal.filename or path)
    if culprit == str(path) or PART_PREFIX in str(culprit):
        return reason
    return f"{reason} ({culprit!s})"
