"""Whether a cache directory can be believed, and whether it can be written."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from modelpack.store.atomic import PART_PREFIX


def distrust(directory: Path) -> str:
    """Why nothing in the directory can be believed, or "" if it can: who can write there can make us publish lies.

    1. It belongs to another user. Root may use anybody's: a container's user often is root over a mounted home.
    2. Everybody can write to it, unless its file system shows that of every file (FAT, Windows drives under WSL).
    """
    try:
        status = directory.stat()
    except OSError:
        return ""
    if not hasattr(os, "geteuid"):
        return ""
    if status.st_uid != os.geteuid() != 0:
        return f"it belongs to another user ({status.st_uid})"
    if status.st_mode & stat.S_IWOTH and _keeps_modes(directory):
        return "every user of this machine can write to it"
    return ""


def is_private(directory: Path) -> bool:
    """Whether the directory is ours alone to write to; stricter than `distrust`, for places under a shared folder."""
    try:
        status = directory.lstat()
    except OSError:
        return False
    if not stat.S_ISDIR(status.st_mode):
        return False
    if not hasattr(os, "geteuid"):
        return True  # the temporary folder of Windows belongs to one user
    return status.st_uid == os.geteuid() and not status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def is_writable(directory: Path) -> bool:
    """Whether a file can be made in the directory. Asks by doing: modes say little to root and on network drives."""
    probe = directory / f"{PART_PREFIX}{secrets.token_hex(8)}"
    try:
        probe.write_bytes(b"\0")  # a full disk still makes empty files
    except OSError:
        return False
    finally:
        with suppress(OSError):
            probe.unlink()
    return True


def _keeps_modes(directory: Path) -> bool:
    probe = directory / f"{PART_PREFIX}{secrets.token_hex(8)}"
    try:
        descriptor = os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError:
        return True
    try:
        return not os.fstat(descriptor).st_mode & stat.S_IWOTH
    finally:
        os.close(descriptor)
        with suppress(OSError):
            probe.unlink()
