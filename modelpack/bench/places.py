"""Where the parts of the page are: onnxruntime-web, the loader, and our own scripts.

The loader is, in this order: the project's (`node_modules/@modelpack/loader`), because it is what its pages ship; the copy
inside this package, which releases have; the one built in this checkout (`npm run build`).
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from modelpack.errors import BenchError

PAGE: Final = Path(__file__).parent / "page"
_SHIPPED: Final = Path(__file__).parent / "loader"
_CHECKOUT: Final = Path(__file__).parents[2] / "packages" / "loader"
_RUNTIME: Final = "onnxruntime-web"
_LOADER: Final = "@modelpack/loader"


class Parts(Struct, frozen=True):
    """The folders of onnxruntime-web's and the loader's files, and the runtime's version."""

    runtime: Path
    runtime_version: str
    loader: Path


class Runtime(Struct, frozen=True):
    """The folder of onnxruntime-web's files, and its version."""

    folder: Path
    version: str


class _Package(Struct, frozen=True):
    version: str = "unknown"


def find_parts(start: Path) -> Parts:
    """What pages of the project at `start` load. Raises: BenchError MP-E803 if something is not installed."""
    runtime = find_runtime(start)
    if runtime is None:
        raise BenchError(
            "MP-E803",
            f"{_RUNTIME} is not in node_modules",
            where=str(start),
            remedy=f"run `npm install {_RUNTIME}`, or measure natively: --only native",
        )
    return Parts(runtime.folder, runtime.version, find_loader(start))


def find_runtime(start: Path) -> Runtime | None:
    """The project's own onnxruntime-web; None where it is not installed."""
    package = _installed(_RUNTIME, start)
    if package is None or not (package / "dist/ort.wasm.min.mjs").is_file():
        return None
    return Runtime(package / "dist", _version(package))


def find_loader(start: Path) -> Path:
    """The folder with the loader's built files. Raises: BenchError MP-E803 if there is none."""
    installed = _installed(_LOADER, start)
    candidates = ((installed / "dist",) if installed else ()) + (_SHIPPED, _CHECKOUT / "dist")
    for folder in candidates:
        if (folder / "index.js").is_file():
            return folder
    if (_CHECKOUT / "package.json").is_file():
        remedy = f"build it: `npm ci && npm run build` in {_CHECKOUT.parents[1]}"
    else:
        remedy = f"run `npm install {_LOADER}`"
    raise BenchError("MP-E803", "the loader is not installed", where=str(start), remedy=remedy)


def _installed(package: str, start: Path) -> Path | None:
    for folder in (start, *start.parents):
        found = folder / "node_modules" / package
        if (found / "package.json").is_file():
            return found.resolve()
    return None


def _version(package: Path) -> str:
    try:
        content = (package / "package.json").read_bytes()
        return msgspec.json.decode(content, type=_Package).version
    except (OSError, msgspec.DecodeError):
        return "unknown"
