"""The folders that relative paths of a configuration are seen from, and the border they may not cross."""

from __future__ import annotations

import os
from pathlib import Path


class Folders:
    """Resolves paths written in the file in `config_folder`; they must stay inside `workspace`.

    Answers are remembered: a hundred thousand assets usually share a folder, and each path is asked for twice.
    """

    def __init__(self, config_folder: Path, workspace: Path) -> None:
        self.config_folder = config_folder
        self.workspace = workspace
        self._real_workspace = os.path.realpath(workspace)
        self._real_folders: dict[str, str] = {}
        self._located: dict[str, Path | None] = {}

    def locate(self, text: str) -> Path | None:
        """The absolute path that `text` means, symbolic links in it not followed; None if it leads outside."""
        if text not in self._located:
            self._located[text] = self._locate(text)
        return self._located[text]

    def _locate(self, text: str) -> Path | None:
        # Normalised before it is checked: what is returned is what was checked.
        path = os.path.normpath(os.path.join(self.config_folder, text))  # noqa: PTH118  Path keeps ".."
        return Path(path) if self._is_inside(self._real(path)) else None

    def _real(self, path: str) -> str:
        parent, name = os.path.split(path)
        real_parent = self._real_folders.get(parent)
        if real_parent is None:
            real_parent = self._real_folders[parent] = os.path.realpath(parent)
        real = os.path.join(real_parent, name)  # noqa: PTH118  strings are five times faster here
        return os.path.realpath(real) if os.path.islink(real) else real  # noqa: PTH114

    def _is_inside(self, real: str) -> bool:
        root = os.path.normcase(self._real_workspace)
        return os.path.normcase(real + os.sep).startswith(root.rstrip(os.sep) + os.sep)
