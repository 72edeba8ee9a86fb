"""One publisher at a time for each output folder, so that two builds do not do the same work twice.

Only that: publishing stays correct without the lock (see `emit.py`), which some file systems do not have.
"""

from __future__ import annotations

import os
import stat
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from modelpack.digest import digest_bytes
from modelpack.store.lock import try_lock

_POLL_S = 0.1


@contextmanager
def publishing(folder: Path, on_wait: Callable[[str], None]) -> Iterator[None]:
    """Nobody else publishes to the folder meanwhile. `on_wait` hears once that somebody does."""
    descriptor = _open_lock(folder)
    try:
        if descriptor is not None:
            _wait(descriptor, folder, on_wait)
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _wait(descriptor: int, folder: Path, on_wait: Callable[[str], None]) -> None:
    told = False
    with suppress(OSError):  # a file system without locks
        while not try_lock(descriptor):
            if not told:
                on_wait(f"waiting for another modelpack to finish publishing to {folder.name}")
                told = True
            time.sleep(_POLL_S)


def _open_lock(folder: Path) -> int | None:
    """The open lock file; None where the system offers no place for it.

    It lies in the temporary directory, because the output folder is deployed as it is.
    """
    with suppress(OSError):
        own = Path(tempfile.gettempdir()) / f"modelpack-{_user()}"
        own.mkdir(mode=0o700, exist_ok=True)
        if _is_private(own):
            name = digest_bytes(os.fsencode(os.path.realpath(folder)))
            flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            return os.open(own / f"{name}.lock", flags, 0o600)
    return None


def _user() -> str:
    return str(os.getuid()) if hasattr(os, "getuid") else "user"


def _is_private(own: Path) -> bool:
    """Whether nobody else made the folder: names in the temporary directory can be guessed."""
    status = own.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    return not hasattr(os, "getuid") or status.st_uid == os.getuid()
