"""Sources and paths as the configuration writes them."""

from __future__ import annotations

import os
from pathlib import Path

from modelpack.spec.sources import (
    CheckpointSource,
    FileSource,
    FunctionSource,
    HubSource,
    NpmSource,
    PythonSource,
    Source,
    TfliteSource,
    UrlSource,
)


def source_text(source: Source, root: Path) -> str:
    """`npm:@acme/models/vad.onnx`, `py:package/path`, or the file's path relative to `root`."""
    match source:
        case NpmSource(package=package, path=path):
            return f"npm:{package}/{path}"
        case PythonSource(package=package, path=path):
            return f"py:{package}/{path}"
        case CheckpointSource(origin=origin) | TfliteSource(origin=origin):
            return source_text(origin, root)
        case UrlSource(url=url):
            return url
        case HubSource() | FunctionSource():
            return source.text
        case FileSource():
            return relative_text(source.path, root)


def relative_text(path: Path, root: Path) -> str:
    """The path from `root` on, with forward slashes on every system."""
    return Path(os.path.relpath(path, root)).as_posix()
