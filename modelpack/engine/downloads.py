"""Files from the web on their way into the store: one download at a time for each, and what arrived is kept."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelpack.digest import digest_bytes, digest_file
from modelpack.sources.download import Progress, Wanted, download
from modelpack.sources.sniff import check_is_onnx
from modelpack.store.lock import try_lock
from modelpack.store.store import Store

_FOLDER = "downloads"
_KEPT_S = 7 * 86_400.0  # a download that nobody went on with for a week was given up
_POLL_S = 0.2


def fetch(wanted: Wanted, store: Store, progress: Progress, *, is_graph: bool = True) -> Path:
    """The file, downloaded unless it lies there already, and if it is a graph, an ONNX model. Whoever needs it takes it away.

    Raises: SourceUnreachableError MP-E240, SourceError MP-E241 if it cannot be had, MP-E202 to MP-E209 if it is no model.
    """
    folder = store.scratch.root.parent / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    _forget_old(folder)
    path = folder / (wanted.sha256 or digest_bytes(wanted.urls[0].encode()))
    with _alone(path.with_suffix(".lock")):
        if wanted.sha256 is None or not _is_there(path, wanted.sha256):
            download(wanted, path, progress)
        if is_graph:
            check_is_onnx(path)
        return path.rename(folder / f"{path.name}.{os.getpid()}.onnx")


def keep(path: Path, sha256: str) -> None:
    """Leaves a file that `fetch` gave for the next one that wants it."""
    path.replace(path.with_name(sha256))


def held_bytes(sha256: str, store: Store) -> int:
    """The size of a file that was kept; 0 where it is not."""
    path = store.scratch.root.parent / _FOLDER / sha256
    return path.stat().st_size if path.is_file() else 0


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Holds the lock while the block runs; another build that wants the same file waits, and then finds it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with suppress(OSError):  # a file system without locks: the digest still decides
            while not try_lock(descriptor):
                time.sleep(_POLL_S)
        yield
    finally:
        os.close(descriptor)


def _is_there(path: Path, sha256: str) -> bool:
    return path.is_file() and digest_file(path) == sha256


def _forget_old(folder: Path) -> None:
    for entry in folder.iterdir():
        with suppress(OSError):
            if entry.stat().st_mtime < time.time() - _KEPT_S:
                entry.unlink()
