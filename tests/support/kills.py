"""Processes that die at a chosen touch of the file system, as from kill -9: nothing is cleaned up, nothing is flushed."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

_CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.utime", "os.link", "os.symlink"})
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def dies_at(change: int, folder: Path, work: Callable[[], object]) -> bool:
    """Whether a process that does `work` died just before its `change`-th change of a file below `folder`.

    False: it made fewer changes, and ended well.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _arm(change, os.fspath(folder))
            work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in {0, 9}, f"the process failed by itself: {status}"
    return status == 9


def in_processes(*works: Callable[[], object]) -> None:
    """All of these are done, each in a process of its own, at the same time."""
    children = []
    for work in works:
        child = os.fork()
        if child == 0:
            status = 1
            try:
                work()
                status = 0
            except BaseException:  # noqa: BLE001 - a child has nobody else to tell
                traceback.print_exc()
            finally:
                os._exit(status)
        children.append(child)
    statuses = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    assert statuses == [0] * len(works)


def _arm(change: int, folder: str) -> None:
    left = change

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if _is_change(event, arguments) and str(arguments[0]).startswith(folder):
            left -= 1
            if left == 0:
                os._exit(9)

    sys.addaudithook(count)


def _is_change(event: str, arguments: tuple[object, ...]) -> bool:
    if event == "open":
        return isinstance(arguments[2], int) and bool(arguments[2] & _WRITING)
    return event in _CHANGES
