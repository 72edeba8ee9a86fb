"""Opening files without being led astray: no links followed, no pipe waited for."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

# O_NONBLOCK so that opening a FIFO returns instead of waiting for a writer.
_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path) -> BinaryIO:
    """The file, open for reading. Raises: OSError if it is no regular file."""
    descriptor = os.open(path, _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", str(path))
    return os.fdopen(descriptor, "rb")


def open_ours(path: Path) -> BinaryIO:
    """The file, open for reading. Raises: OSError if it is no regular file with a single name, as we write them."""
    stream = open_regular(path)
    if not is_ours(os.fstat(stream.fileno())):
        stream.close()
        raise OSError(errno.EINVAL, "has a second name (a hard link)", str(path))
    return stream


def is_ours(status: os.stat_result) -> bool:
    """Whether this is how we write files: regular, under a single name."""
    # Windows reports no link count for some file systems.
    return stat.S_ISREG(status.st_mode) and status.st_nlink <= 1
