"""Where corrupt files go: kept as evidence, capped so that they never fill a disk."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from modelpack.store.removal import remove_tree, size_of_tree

MAXIMUM_COUNT = 16  # enough to see a pattern (one disk block, one bit); nobody reads more
MAXIMUM_BYTES = 1 << 30


class Quarantine:
    """A folder of things that were found at places where a good file should have been."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def take(self, path: Path) -> bool:
        """Whether whatever is at `path` (file, link, pipe, folder) is no longer there: moved here, or removed."""
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            path.replace(self.folder / f"{path.name}.{secrets.token_hex(4)}")
        if os.path.lexists(path):
            remove_tree(path)
        self._cap()
        return not os.path.lexists(path)

    def content(self) -> tuple[Path, ...]:
        """What is held, oldest first."""
        try:
            return tuple(sorted(self.folder.iterdir(), key=lambda path: path.lstat().st_ctime_ns))
        except OSError:
            return ()

    def _cap(self) -> None:
        held = self.content()
        size_bytes = sum(size_of_tree(path) for path in held)
        for index, path in enumerate(held):
            if len(held) - index <= MAXIMUM_COUNT and size_bytes <= MAXIMUM_BYTES:
                return
            size_bytes -= size_of_tree(path)
            remove_tree(path)
