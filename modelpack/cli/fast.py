"""The shortest way through `modelpack build`: nothing changed, say so, done. Imports next to nothing."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from modelpack.config.find import find_config, find_workspace
from modelpack.engine.fastpath import recall, record_path
from modelpack.errors import ModelpackError

_ALWAYS_WORK = {"--force", "--dry-run", "-n", "--debug", "-h", "--help", "--frozen"}


def answer_unchanged(argv: Sequence[str], out: TextIO, err: TextIO) -> bool:
    """Answers a `build` that has nothing to do. False means: do it the ordinary way."""
    if "build" not in argv or not _ALWAYS_WORK.isdisjoint(argv):
        return False
    try:
        config = find_config(*_place(argv))
        texts = recall(record_path(_cache_directory(config), config, argv), now=time.time())
    except (ModelpackError, OSError, ValueError):
        return False
    if texts is None:
        return False
    err.write(texts["err"])
    out.write(texts["out"])
    return True


def record_for(argv: Sequence[str], config: Path) -> Path:
    """Where the record of this command line lies, for whoever writes it."""
    return record_path(_cache_directory(config), config, argv)


def _place(argv: Sequence[str]) -> tuple[Path, Path | None]:
    """The folder to look from and the file to use, as -C and --config say. Raises: ValueError if they are odd."""
    directory, config = Path.cwd(), None
    words = iter(argv)
    for word in words:
        if word == "-C":
            directory = directory / next(words, "")
        elif word == "--config":
            config = Path(next(words, ""))
        elif word.startswith(("-C", "--config=")):
            raise ValueError(word)
    return directory, config


def _cache_directory(config: Path) -> Path:
    """The cache's folder without reading the whole configuration: nearly nobody moves it."""
    content = config.read_bytes()
    if b"cache" in content:
        try:
            import tomllib  # noqa: PLC0415
        except ModuleNotFoundError:
            import tomli as tomllib  # noqa: PLC0415

        directory = tomllib.loads(content.decode()).get("cache", {}).get("directory")
        if isinstance(directory, str):
            return Path(os.path.normpath(config.parent / directory))
    return find_workspace(config) / ".modelpack" / "cache"
