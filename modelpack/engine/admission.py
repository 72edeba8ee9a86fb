"""Steps are let in by memory, not only by cores: two 3 GB models at once would take the machine down."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition


class Admission:
    """Worker processes and memory that running steps share. A step that wants more memory than there is runs alone."""

    def __init__(self, workers: int, capacity_bytes: int) -> None:
        self._free_workers = workers
        self._capacity_bytes = capacity_bytes
        self._used_bytes = 0
        self._changed = Condition()

    @contextmanager
    def admit(self, estimate_bytes: int) -> Iterator[None]:
        """Waits until a worker is free and the step fits beside the others, and holds both while the block runs."""
        share_bytes = min(estimate_bytes, self._capacity_bytes)
        with self._changed:
            self._changed.wait_for(lambda: self._fits(share_bytes))
            self._free_workers -= 1
            self._used_bytes += share_bytes
        try:
            yield
        finally:
            with self._changed:
                self._free_workers += 1
                self._used_bytes -= share_bytes
                self._changed.notify_all()

    def _fits(self, share_bytes: int) -> bool:
        return self._free_workers > 0 and self._used_bytes + share_bytes <= self._capacity_bytes
