"""What a step gave, under its key.

1. A record that is not whole, is of another layout, or stands under a name that is not its key, is a miss. It is never an
   error, and it is left where it is: `put` replaces it.
2. Records are written once their blobs are stored, so a record names blobs that were good at that time.
3. A record's mtime is the time of its last use; garbage collection reads it. Nothing else does.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from modelpack.keys import KeyPreimage
from modelpack.record import StepResult
from modelpack.store.atomic import write_atomically
from modelpack.store.sealed import read_sealed, seal

_KEY = re.compile(r"[0-9a-f]{64}")


class ActionRecord(Struct, frozen=True):
    """The result of a step, with everything it follows from."""

    key: str
    preimage: KeyPreimage
    result: StepResult


class Actions:
    """The records under `root`, and, for reading only, those of `fallback`."""

    def __init__(self, root: Path, fallback: Actions | None = None) -> None:
        self.root = root
        self.fallback = fallback

    def get(self, key: str) -> ActionRecord | None:
        """The record of that key, which counts as used now; None if there is none to believe."""
        if not _KEY.fullmatch(key):
            return None
        record = read_sealed(self.place(key), ActionRecord)
        if record is not None and record.key == key:
            with suppress(OSError):
                os.utime(self.place(key))
            return record
        return self.fallback.get(key) if self.fallback is not None else None

    def put(self, record: ActionRecord) -> None:
        """The record is stored. Raises: StoreError MP-E702 if the system refuses."""
        write_atomically(self.place(record.key), seal(msgspec.json.encode(record)))

    def place(self, key: str) -> Path:
        """Where the record of that key lies."""
        return self.root / key[:2] / f"{key}.json"
