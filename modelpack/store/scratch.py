"""Private folders for running steps, on the file system of the blobs.

1. A folder `<token>` belongs to whoever holds the lock on `<token>.lock`, which also names the owner's process.
2. A folder is removed when its owner leaves it, or by the next sweep once its owner is dead: the lock is free,
   and (locks may be empty promises on network file systems) the owner's process does not run.
3. What is being swept can no longer be acquired: an owner makes sure its lock file still exists once it is locked.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelpack.store.atomic import writing
from modelpack.store.lock import try_lock
from modelpack.store.owner import identity_of, is_running
from modelpack.store.removal import remove_tree

_LOCK_SUFFIX = ".lock"
_LOCK_NAME = re.compile(r"[0-9a-f]{16}\.lock")


class Scratch:
    """The scratch folders under `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """An empty folder that nobody else uses, gone at the end. Raises: StoreError MP-E702 if the system refuses."""
        with writing(self.root):
            descriptor, folder = self._acquire()
        try:
            yield folder
        finally:
            _release(descriptor, folder)

    def sweep(self) -> int:
        """How many folders of dead owners were removed."""
        try:
            names = sorted(os.listdir(self.root))  # noqa: PTH208 - names are all that is needed
        except OSError:
            return 0
        return sum(_sweep_one(self.root / name) for name in names if _LOCK_NAME.fullmatch(name))

    def _acquire(self) -> tuple[int, Path]:
        self.root.mkdir(parents=True, exist_ok=True)
        while True:
            folder = self.root / secrets.token_hex(8)
            lock = _lock_of(folder)
            descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            # A sweep may have come between the two lines; then the name is burnt.
            if _try_lock(descriptor) and lock.exists():
                _settle(descriptor, folder)
                return descriptor, folder
            os.close(descriptor)


def _settle(descriptor: int, folder: Path) -> None:
    try:
        os.write(descriptor, identity_of(os.getpid()).encode())
        folder.mkdir(mode=0o700)
    except OSError:
        _release(descriptor, folder)
        raise


def _release(descriptor: int, folder: Path) -> None:
    """The folder is gone, then its lock file. If something in it cannot be removed, the lock file stays for the next sweep."""
    remove_tree(folder)
    if os.path.lexists(folder):
        os.close(descriptor)
        return
    with suppress(OSError):
        _lock_of(folder).unlink()
    os.close(descriptor)
    with suppress(OSError):
        _lock_of(folder).unlink()  # Windows does not unlink open files


def _sweep_one(lock: Path) -> bool:
    folder = lock.with_suffix("")
    try:
        descriptor = os.open(lock, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    if not _try_lock(descriptor) or is_running(_owner_of(descriptor)):
        os.close(descriptor)
        return False
    _release(descriptor, folder)
    return True


def _try_lock(descriptor: int) -> bool:
    try:
        return try_lock(descriptor)
    except OSError:
        return True  # no locks on this file system: the owner's process has to do


def _lock_of(folder: Path) -> Path:
    return folder.with_name(folder.name + _LOCK_SUFFIX)


def _owner_of(descriptor: int) -> str:
    try:
        return os.read(descriptor, 64).decode("ascii", "replace")
    except OSError:
        return ""
