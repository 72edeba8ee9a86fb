"""Removing files and folders that are ours, links unfollowed, whatever their modes."""

from __future__ import annotations

import os
import shutil
import stat
from contextlib import suppress
from pathlib import Path


def remove_tree(path: Path) -> None:
    """Nothing is left at `path`, as far as the system allows; links are removed, never followed."""
    with suppress(OSError):
        if not stat.S_ISDIR(path.lstat().st_mode):
            path.unlink()
            return
    shutil.rmtree(path, ignore_errors=True)
    if os.path.lexists(path):
        _make_writable(path)
        shutil.rmtree(path, ignore_errors=True)


def size_of_tree(path: Path) -> int:
    """The bytes of the file, or of all files in the folder; 0 for what cannot be read."""
    with suppress(OSError):
        status = path.lstat()
        if not stat.S_ISDIR(status.st_mode):
            return status.st_size
        return sum(size_of_tree(child) for child in path.iterdir())
    return 0


def _make_writable(path: Path) -> None:
    # A step may leave read-only folders behind, and Windows refuses to delete read-only files.
    for folder, _, names in os.walk(path):
        for place in (folder, *(os.path.join(folder, name) for name in names)):  # noqa: PTH118
            with suppress(OSError):
                if not os.path.islink(place):  # noqa: PTH114
                    os.chmod(place, stat.S_IRWXU)  # noqa: PTH101
