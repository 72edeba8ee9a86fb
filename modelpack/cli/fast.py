"""The shortest way through `modelpack build`: nothing changed, say so, done. Imports next to nothing."""

from __future__ import annotations

import json
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
    began_s = time.perf_counter()
    if "build" not in argv or not _ALWAYS_WORK.isdisjoint(argv):
        return False
    try:
        config = find_config(*_place(argv))
        texts = recall(record_for(argv, config), now=time.time())
    except (ModelpackError, OSError, ValueError):
        return False
    if texts is None:
        return False
    err.write(texts["said"])
    if texts["report"]:
        report = json.loads(texts["report"])
        report["seconds"] = round(time.perf_counter() - began_s, 3)
        is_stream = texts["form"] == "stream"
        wrapped = {"event": "report", "report": report} if is_stream else report
        out.write(json.dumps(wrapped, indent=None if is_stream else 2) + "\n")
    return True


def record_for(argv: Sequence[str], config: Path) -> Path:
    """Where the record of this command line lies."""
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
    """The cache's folder, without reading the whole configuration where nothing is said of a cache."""
    content = config.read_bytes()
    directory = None
    if b"cache" in content and b"directory" in content:
        from modelpack.config.document import read_document  # noqa: PLC0415 (regular expressions and tomllib: 15 ms)

        cache = read_document(config).tables.get("cache")
        directory = cache.get("directory") if isinstance(cache, dict) else None
    if isinstance(directory, str):
        return Path(os.path.normpath(config.parent / directory))
    return find_workspace(config) / ".modelpack" / "cache"
