"""Copies that share their blocks with the original until one of them is written to (btrfs, XFS, APFS)."""

from __future__ import annotations

import errno
import sys
from pathlib import Path

from modelpack.store.regular import open_ours

if sys.platform == "linux":
    import fcntl
elif sys.platform == "darwin":
    import ctypes
    import os

_FICLONE = 0x40049409  # linux/fs.h: _IOW(0x94, 9, int)
_CLONE_NOFOLLOW = 1  # sys/clonefile.h


def reflink(source: Path, destination: Path) -> None:
    """`destination`, which must not exist, shares the blocks of `source`. Raises: OSError if the system cannot do that."""
    if sys.platform == "linux":
        with open_ours(source) as reader, destination.open("xb") as writer:
            fcntl.ioctl(writer.fileno(), _FICLONE, reader.fileno())
    elif sys.platform == "darwin":
        library = ctypes.CDLL(None, use_errno=True)
        if library.clonefile(os.fsencode(source), os.fsencode(destination), _CLONE_NOFOLLOW):
            raise OSError(ctypes.get_errno(), "clonefile failed", str(destination))
        destination.chmod(0o644)  # a clone inherits the read-only mode of a blob
    else:
        raise OSError(errno.ENOTSUP, "no reflinks here", str(destination))
