"""modelpack.lock: which bytes the sources were that are not the project's own files.

    {"version": 1, "sources": {"npm:pack/a.onnx": {"version": "1.2.0", "sha256": "…"},
                               "hf:org/repo@main": {"version": "<commit>", "sha256": "…", "files": {…}}, …}}

1. It holds packages, checkpoints and files from the web, by the text of `source`; ONNX files of the project are in its
   own history already.
2. The same sources give the same bytes of it: sorted, and without times, paths of this machine or host names.
3. For a file from the web it is the pin, where the configuration has none, and the list of its data files; for a
   repository of the hub, the commit and every file that counts. For everything else it is what `--frozen` compares with;
   an ordinary build does not ask it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from modelpack.digest import digest_json
from modelpack.errors import UsageError
from modelpack.spec.golden import Golden
from modelpack.spec.project import Model, Project
from modelpack.spec.sources import (
    CheckpointSource,
    FileSource,
    FunctionSource,
    HubSource,
    NpmSource,
    PinnedFile,
    PythonSource,
    Source,
    TfliteSource,
    UrlSource,
)

LOCK_NAME = "modelpack.lock"
_VERSION = 1
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_PART = re.compile(r"(?!\.{1,2}$)[^/\\:\x00-\x1f]{1,255}")


class LockedFile(Struct, frozen=True, forbid_unknown_fields=True):
    """One file of a source."""

    sha256: str
    bytes: int


class Locked(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One source: the SHA-256 of its file (of several files, of their list), and its package's version or its commit.

    `files` are those of a repository of the hub, or the data files of a file from the web.
    """

    sha256: str
    version: str = ""
    files: dict[str, LockedFile] = {}


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
    for name, entry in lock.sources.items():
        if not _is_safe(name, entry):
            raise _unreadable(path, f'"{name}" has a commit or a file that cannot be one')
    return lock.sources


def lock_bytes(sources: Mapping[str, Locked]) -> bytes:
    """The file that says this."""
    lock = Lock(_VERSION, dict(sorted(sources.items())))
    return msgspec.json.format(msgspec.json.encode(lock), indent=2) + b"\n"


def lock_name(source: Source, folder: Path) -> str:  # noqa: PLR0911 (one for each kind)
    """The source as the configuration in `folder` writes it; empty where it is not locked (rule 1)."""
    match source:
        case NpmSource(package=package, path=path):
            return f"npm:{package}/{path}"
        case PythonSource(package=package, path=path):
            return f"py:{package}/{path}"
        case UrlSource(url=url):
            return url
        case HubSource():
            return source.text
        case CheckpointSource(origin=FileSource(path=path)):
            return Path(os.path.relpath(path, folder)).as_posix()
        case CheckpointSource(origin=origin) | TfliteSource(origin=origin):
            return lock_name(origin, folder)
        case FileSource() | FunctionSource():
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
    if isinstance(source, UrlSource) and source.url in locked:
        entry = locked[source.url]
        if source.sha256 in {None, entry.sha256}:
            return replace(source, sha256=entry.sha256, data=_pinned_files(entry))
    if isinstance(source, HubSource) and source.text in locked:
        entry = locked[source.text]
        return replace(source, commit=entry.version, files=_pinned_files(entry))
    return source


def locked_files(files: Iterable[PinnedFile]) -> dict[str, LockedFile]:
    """The files as the lock has them."""
    return {file.name: LockedFile(file.sha256, file.size_bytes) for file in files}


def locked_hub(source: HubSource) -> Locked:
    """A settled source on the hub as the lock has it."""
    digests = [(file.name, file.sha256) for file in source.files]
    return Locked(digest_json(digests), source.commit, locked_files(source.files))


def _pinned_files(entry: Locked) -> tuple[PinnedFile, ...]:
    return tuple(PinnedFile(name, file.sha256, file.bytes) for name, file in entry.files.items())


def _is_safe(name: str, entry: Locked) -> bool:
    """Whether commit and names of files can become paths: the lock may have been written by a stranger."""
    names = (part for file in entry.files for part in file.split("/"))
    is_commit = _COMMIT.fullmatch(entry.version) is not None
    return (is_commit or not name.startswith("hf:")) and all(
        _PART.fullmatch(part) for part in names
    )


def _unreadable(path: Path, reason: str) -> UsageError:
    return UsageError(
        "MP-E721",
        f"the lock cannot be read ({reason})",
        where=str(path),
        remedy="restore it from version control, or write it anew with `modelpack lock --update`",
    )
