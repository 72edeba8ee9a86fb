"""Processes that tests start, and what is left of them."""

from __future__ import annotations

import os
import secrets
import time
from pathlib import Path

_MARK = "MODELPACK_TEST_MARK"
DEADLINE_S = 60.0  # workers look for their parent every half second; a busy machine is slower


def new_mark() -> dict[str, str]:
    """An environment variable that a process and all its children carry."""
    return {_MARK: secrets.token_hex(8)}


def alive(mark: dict[str, str]) -> list[int]:
    """The processes that carry the mark and are no zombies."""
    wanted = f"{_MARK}={mark[_MARK]}".encode()
    return [int(entry.name) for entry in Path("/proc").iterdir() if _carries(entry, wanted)]


def left_after(mark: dict[str, str], deadline_s: float = DEADLINE_S) -> list[int]:
    """The processes with the mark that are still there after the deadline; returns early when all are gone."""
    end_s = time.monotonic() + deadline_s
    while (found := alive(mark)) and time.monotonic() < end_s:
        time.sleep(0.02)
    return found


def _carries(entry: Path, wanted: bytes) -> bool:
    if not entry.name.isdecimal() or int(entry.name) == os.getpid():
        return False
    try:
        return wanted in (entry / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
