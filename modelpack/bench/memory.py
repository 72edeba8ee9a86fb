"""The peak memory of a browser's pages, watched from outside.

Measured in a visit of its own, because looking costs time: resident memory of the browser's renderer and graphics processes,
every few milliseconds, above what they held before the load. Shorter peaks are missed.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

import psutil

_EVERY_S: Final = 0.005
_MARKS: Final = ("--type=renderer", "--type=gpu-process", "-contentproc")


class Peak:
    """The peak so far, in bytes."""

    def __init__(self) -> None:
        self._processes = list(_page_processes())
        self._before = self._resident()
        self._most = self._before
        self._is_over = threading.Event()

    @property
    def bytes(self) -> int:
        """How far memory rose above what it was at the beginning."""
        return max(0, self._most - self._before)

    def watch(self) -> None:
        """Looks until it is over."""
        while not self._is_over.wait(_EVERY_S):
            self._most = max(self._most, self._resident())

    def end(self) -> None:
        """Looks a last time."""
        self._is_over.set()
        self._most = max(self._most, self._resident())

    def _resident(self) -> int:
        total = 0
        for process in self._processes:
            with suppress(psutil.Error):
                total += process.memory_info().rss
        return total


@contextmanager
def watched() -> Iterator[Peak]:
    """The peak of the pages that are open now, while the block runs."""
    peak = Peak()
    thread = threading.Thread(target=peak.watch, daemon=True)
    thread.start()
    try:
        yield peak
    finally:
        peak.end()
        thread.join()


def _page_processes() -> Iterator[psutil.Process]:
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if any(mark in word for word in process.cmdline() for mark in _MARKS):
                yield process
