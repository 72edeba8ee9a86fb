"""The last keys of every task of a project, so that `modelpack why` can name what changed. Never asked for correctness."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.errors import StoreError
from modelpack.store.atomic import write_atomically
from modelpack.store.sealed import read_sealed, seal

_LENGTH = 2  # this run and the one before


class _History(Struct, frozen=True):
    task: str  # as a digest: any text can be a task, not all text can be JSON
    keys: tuple[str, ...]


class Histories:
    """The histories of one project under `folder`, and, for reading only, those of `fallback`."""

    def __init__(self, folder: Path, project_id: str, fallback: Histories | None = None) -> None:
        self.folder = folder / _named(project_id)
        self.fallback = fallback

    def last(self, task: str) -> tuple[str, ...]:
        """Up to the two last distinct keys of the task, newest first."""
        history = read_sealed(self.place(task), _History)
        if history is not None and history.task == _named(task):
            return history.keys
        return self.fallback.last(task) if self.fallback is not None else ()

    def remember(self, task: str, key: str) -> None:
        """`key` is the newest of the task. Where the system refuses to write that, it is forgotten: no build fails for it."""
        known = self.last(task)
        if known[:1] == (key,):
            with suppress(OSError):
                os.utime(self.place(task))  # still in use, garbage collection is told
            return
        keys = (key, *(other for other in known if other != key))[:_LENGTH]
        content = seal(msgspec.json.encode(_History(_named(task), keys)))
        with suppress(StoreError):
            write_atomically(self.place(task), content)

    def place(self, task: str) -> Path:
        """Where the task's history lies."""
        return self.folder / f"{_named(task)}.json"


def _named(text: str) -> str:
    return digest_bytes(text.encode("utf-8", "surrogatepass"))
