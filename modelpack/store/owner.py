"""Which process something belongs to, written so that a later process of the same number is not taken for it."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def identity_of(process: int) -> str:
    """The process's number and, where the system tells, its start: in containers, numbers come again on every run."""
    return f"{process} {_start_of(process)}"


def is_running(identity: str) -> bool:
    """Whether the process that `identity_of` described still runs, as far as can be told."""
    number = identity.split(" ", maxsplit=1)[0]
    # On Windows signal 0 would end the process; the locks there can be relied upon instead.
    if sys.platform == "win32" or not number.isdecimal() or int(number) == 0:
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass  # it runs, and is somebody else's
    return identity_of(int(number)) == identity


def _start_of(process: int) -> str:
    # proc_pid_stat(5): field 22, counted behind the name, which may hold spaces and brackets itself.
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    fields = status.rpartition(")")[2].split()
    return fields[19] if len(fields) > 19 else ""
