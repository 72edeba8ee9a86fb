"""The whole-build fast path: a build like the last good one, on files like the last ones, is answered from one record.

Everything here runs before anything else is imported, and has 60 ms for it: only json, os and hashlib.

1. The record speaks for one command line in one directory, one configuration file, one modelpack, one set of packages.
2. Every file that went in or came out is named with its size, times and inode; a file touched so shortly before the
   record that its times prove nothing (racy) also with its digest, and is hashed again.
3. Whatever cannot be read, or is not exactly as recorded, means: build as usual.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from modelpack.store.signature import stat_signature

_FORMAT = 1
_RACY_NS = 2_000_000_000  # FAT keeps times to 2 s; nothing in use is coarser
_PACKAGE = Path(__file__).parent.parent


def record_path(cache: Path, config: Path, argv: Sequence[str]) -> Path:
    """Where the record for this command line lies."""
    spoken = json.dumps([str(config), *argv]).encode("utf-8", "surrogateescape")
    return cache / "fast" / f"{hashlib.sha256(spoken).hexdigest()[:32]}.json"


def recall(path: Path, *, now: float) -> dict[str, str] | None:
    """The texts remembered for an unchanged build, or None if anything changed. Refreshes racy entries."""
    try:
        record = json.loads(path.read_bytes())
        if record["format"] != _FORMAT or record["environment"] != _environment():
            return None
        if any(os.path.lexists(absent) for absent in record["absent"]):
            return None
        if not all(_is_unchanged(entry) for entry in record["files"]):
            return None
        texts = {str(name): str(text) for name, text in record["texts"].items()}
        if any(entry[-1] for entry in record["files"]):
            _settle(path, record, now)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
    return texts


def remember(
    path: Path,
    files: Iterable[Path],
    absent: Iterable[Path],
    texts: dict[str, str],
    *,
    read: Mapping[Path, str] | None = None,
    began_s: float = 0.0,
) -> None:
    """Records a good build that began at `began_s`. Failing to write it only makes the next build slower.

    `read` has the digests of files as the build read them; of one that has changed since, nothing is recorded.
    """
    now = time.time()
    read = read or {}
    entries = [_entry(file, now) for file in sorted({*files, *read})]
    if any(_is_newer(entry, read, began_s) for entry in entries):
        return
    record = {
        "format": _FORMAT,
        "environment": _environment(),
        "files": entries,
        "absent": [str(one) for one in sorted(set(absent))],
        "texts": texts,
    }
    _write(path, record)


def _is_unchanged(entry: list[object]) -> bool:
    path, *signature, digest = entry
    if list(stat_signature(Path(str(path)))) != signature:
        return False
    return not digest or _digest(str(path)) == digest


def _is_newer(entry: list[object], read: Mapping[Path, str], began_s: float) -> bool:
    """Whether the file has other bytes than the build read. Its times rule that out for all that were not just written."""
    path = Path(str(entry[0]))
    times_ns = [time_ns for time_ns in entry[2:4] if isinstance(time_ns, int)]
    if path not in read or max(times_ns) < began_s * 1e9 - _RACY_NS:
        return False
    return _digest(str(path)) != read[path]


def _entry(path: Path, now: float) -> list[object]:
    signature = stat_signature(path)
    digest = _digest(str(path)) if _is_racy(signature, now) else ""
    return [str(path), *signature, digest]


def _is_racy(signature: Sequence[int], now: float) -> bool:
    """Whether the file is so young that it may change and keep its times; `cp -p` brings an old mtime, never an old ctime."""
    _, mtime_ns, ctime_ns, _ = signature
    return max(mtime_ns, ctime_ns) > now * 1e9 - _RACY_NS


def _settle(path: Path, record: dict[str, object], now: float) -> None:
    """Drops digests that are no longer needed, so that the next build need not hash again."""
    files = record["files"]
    if isinstance(files, list):
        record["files"] = [
            [*entry[:-1], entry[-1] if _is_racy(entry[1:5], now) else ""] for entry in files
        ]
        _write(path, record)


def _write(path: Path, record: dict[str, object]) -> None:
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(json.dumps(record))
        temporary.replace(path)
    except OSError:
        with suppress(OSError):
            temporary.unlink()


def _digest(path: str) -> str:
    if os.path.isdir(path):
        return hashlib.sha256(json.dumps(sorted(os.listdir(path))).encode()).hexdigest()
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def _environment() -> list[object]:
    """This modelpack, this Python, these installed packages: whatever installs one touches its folder."""
    folders = [entry for entry in sys.path if entry.endswith(("site-packages", "dist-packages"))]
    return [
        sys.version,
        [[folder, os.stat(folder).st_mtime_ns] for folder in folders if os.path.isdir(folder)],
        [[entry.path, *_brief(entry)] for entry in sorted(_sources(_PACKAGE), key=_path)],
    ]


def _sources(folder: Path | str) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.endswith(".py"):
                yield entry
            elif entry.is_dir() and entry.name != "__pycache__":
                yield from _sources(entry.path)


def _path(entry: os.DirEntry[str]) -> str:
    return entry.path


def _brief(entry: os.DirEntry[str]) -> tuple[int, int]:
    stat = entry.stat()
    return stat.st_size, stat.st_mtime_ns
