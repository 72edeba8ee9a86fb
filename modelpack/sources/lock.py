"""modelpack.lock: which bytes the sources were that are not the project's own files.

    {"version": 1, "sources": {"npm:pack/a.onnx": {"version": "1.2.0", "sha256": "…"}, …}}

1. It holds packages, checkpoints and files from the web, by the text of `source`; ONNX files of the project are in its
   own history already.
2. The same sources give the same bytes of it: sorted, and without times, paths of this machine or host names.
3. For a file from the web it is the pin, where the configuration has none. For everything else it is what `--frozen`
   compares with; an ordinary build does not ask it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from modelpack.errors import UsageError
from modelpack.spec import (
    CheckpointSource,
    FileSource,
    Golden,
    Model,
    NpmSource,
    Project,
    PythonSource,
    Source,
    UrlSource,
)

LOCK_NAME = "modelpack.lock"
_VERSION = 1


class Locked(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One source: the SHA-256 of its file (of a checkpoint, of the list of its files) and its package's version."""

    sha256: str
    version: str = ""


class Lock(Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    version: int
    sources: dict[str, Locked]


def lock_path(config: Path) -> Path:
    """Where the lock of a configuration lies."""
    return config.with_name(LOCK_NAME)


def read_lock(path: Path) -> dict[str, Locked]:
    """The locked sources by their text; none where there is no lock. Raises: UsageError MP-E721 if it cannot be read."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    try:
        lock = msgspec.json.decode(content, type=Lock)
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise _unreadable(path, str(err)) from err
    if lock.version != _VERSION:
        raise _unreadable(path, f"version {lock.version}; this modelpack reads {_VERSION}")
    return lock.sources


def lock_bytes(sources: Mapping[str, Locked]) -> bytes:
    """The file that says this."""
    lock = Lock(_VERSION, dict(sorted(sources.items())))
    return msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n"


def lock_name(source: Source, folder: Path) -> str:
    """The source as the configuration in `folder` writes it; empty where it is not locked (rule 1)."""
    match source:
        case NpmSource(package=package, path=path):
            return f"npm:{package}/{path}"
        case PythonSource(package=package, path=path):
            return f"py:{package}/{path}"
        case UrlSource(url=url):
            return url
        case CheckpointSource(origin=FileSource(path=path)):
            return Path(os.path.relpath(path, folder)).as_posix()
        case CheckpointSource(origin=origin):
            return lock_name(origin, folder)
        case FileSource():
            return ""


def pinned(project: Project, locked: Mapping[str, Locked]) -> Project:
    """The project, with files from the web that it does not pin itself pinned by the lock."""
    return replace(project, models=tuple(_pinned_model(model, locked) for model in project.models))


def _pinned_model(model: Model, locked: Mapping[str, Locked]) -> Model:
    golden = None if model.golden is None else _pinned_golden(model.golden, locked)
    return replace(model, source=_pinned_source(model.source, locked), golden=golden)


def _pinned_golden(golden: Golden, locked: Mapping[str, Locked]) -> Golden:
    if golden.reference is None:
        return golden
    source = _pinned_source(golden.reference.source, locked)
    return replace(golden, reference=replace(golden.reference, source=source))


def _pinned_source(source: Source, locked: Mapping[str, Locked]) -> Source:
    if isinstance(source, UrlSource) and source.sha256 is None and source.url in locked:
        return replace(source, sha256=locked[source.url].sha256)
    return source


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(
        "MP-E721",
        f"the lock cannot be read ({reason})",
        where=str(path),
        remedy="restore it from version control, or write it anew with `modelpack lock --update`",
    )
