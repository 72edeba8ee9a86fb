"""Where a source's file lies on this machine. Looks only; nothing found on the way is imported or run."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable
from difflib import get_close_matches
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path

from modelpack.errors import SourceError, SourceUnreachableError
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

_INSTALL_COMMANDS = (  # the lock file that is found first, upward, tells which package manager the project uses
    ("pnpm-lock.yaml", "pnpm add"),
    ("yarn.lock", "yarn add"),
    ("bun.lock", "bun add"),
    ("bun.lockb", "bun add"),
    ("package-lock.json", "npm install"),
)


def locate(source: Source) -> Path:
    """The path of the source's file, which exists.

    Raises: SourceError if the file does not exist, SourceUnreachableError if its package is not installed.
    """
    match source:
        case FileSource():
            return _locate_file(source)
        case NpmSource():
            return _locate_npm(source)
        case PythonSource():
            return _locate_python(source)
        case CheckpointSource():
            return source.folder
        case TfliteSource():
            return locate(source.origin)
        case FunctionSource():
            return source.root.joinpath(*source.module.split(".")).with_suffix(".py")
        case UrlSource():
            raise SourceError("MP-E201", "lies on the web", where=source.url)
        case HubSource():
            raise SourceError(
                "MP-E242",
                "nothing of it is here yet",
                where=source.text,
                remedy="run `modelpack lock`, which looks it up and fetches what says how it is used",
            )


def npm_trail(source: NpmSource) -> tuple[Path, tuple[Path, ...]]:
    """The path by which `locate` finds an installed file, links not followed, and the folders it would prefer if they came.

    Either can make the source another file without touching this one.
    """
    nearer: list[Path] = []
    for folder in (source.start, *source.start.parents):
        root = folder / "node_modules" / source.package
        if root.is_dir():
            return root / source.path, tuple(nearer)
        nearer.append(root)
    return source.start / "node_modules" / source.package / source.path, ()


def _locate_file(source: FileSource) -> Path:
    if source.path.exists():
        return source.path
    if source.path.is_symlink():
        raise SourceError(
            "MP-E201",
            f'a link to "{source.path.readlink()}", which does not exist',
            where=str(source.path),
            remedy="fetch the file it stands for, or correct `source`",
        )
    raise SourceError(
        "MP-E201",
        f"no such file{_nearest(source.path.parent, source.path.name)}",
        where=str(source.path),
        remedy="correct `source`, or put the file there",
    )


def _locate_npm(source: NpmSource) -> Path:
    where = f"npm:{source.package}/{source.path}"
    if {"", ".", ".."} & set(source.package.split("/")):
        raise SourceError(
            "MP-E220", f'"{source.package}" is not the name of an npm package', where=where
        )
    for folder in (source.start, *source.start.parents):
        root = folder / "node_modules" / source.package
        if root.is_dir():
            # pnpm and workspaces link packages; what counts is where the package really lies.
            return _file_in_package("MP-E220", where, source.path, (root.resolve(),))
    raise SourceUnreachableError(
        "MP-E220",
        f'npm package "{source.package}" is not installed in {source.start} or above',
        where=where,
        remedy=f"run `{_install_command(source.start)} {source.package}`",
    )


def _locate_python(source: PythonSource) -> Path:
    where = f"py:{source.package}/{source.path}"
    roots = _python_package(source.package)
    if roots is None:
        raise SourceUnreachableError(
            "MP-E221",
            f'Python package "{source.package}" is not installed beside modelpack',
            where=where,
            remedy=f"run `pip install {source.package.partition('.')[0]}` in the environment of modelpack",
        )
    if not roots:
        raise SourceError(
            "MP-E221", f'"{source.package}" is a single module; expected a package', where=where
        )
    return _file_in_package("MP-E221", where, source.path, roots)


def _python_package(name: str) -> tuple[Path, ...] | None:
    """The folders of a package, several for a namespace package; empty for a module, None where nothing has that name.

    `importlib.util.find_spec("a.b")` would import `a`, so only the first part is looked up that way.
    """
    parts = name.split(".")
    if not all(part.isidentifier() for part in parts):
        return None
    spec = _top_level_spec(parts[0])
    for depth in range(2, len(parts) + 1):
        if spec is None:
            return None
        locations = spec.submodule_search_locations or []
        spec = PathFinder.find_spec(".".join(parts[:depth]), list(locations))
    if spec is None:
        return None
    return tuple(Path(folder).resolve() for folder in spec.submodule_search_locations or ())


def _top_level_spec(name: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(name)
    except ValueError:  # already imported, without a spec: `__main__`
        return None


def _file_in_package(code: str, where: str, inside: str, roots: Iterable[Path]) -> Path:
    """The file `inside` one of the package's folders, which it may not leave, not even through a link."""
    for root in roots:
        path = root / inside
        if not path.resolve().is_relative_to(root):
            raise SourceError(
                code,
                f'"{inside}" leaves the package',
                where=where,
                remedy="name a file inside the package",
            )
        if path.exists():
            return path
    near = _nearest((root / inside).parent, path.name)
    raise SourceError(
        code, f"the package has no such file{near}", where=where, remedy="correct `source`"
    )


def _install_command(start: Path) -> str:
    for folder in (start, *start.parents):
        for lock_file, command in _INSTALL_COMMANDS:
            if (folder / lock_file).exists():
                return command
    return "npm install"


def _nearest(folder: Path, name: str) -> str:
    """The end of a sentence that names the files a person may have meant."""
    if not folder.is_dir():
        return f'; there is no folder "{folder.name}" either'
    names = sorted(entry.name for entry in folder.iterdir())
    models = [entry for entry in names if entry.endswith(".onnx")]
    near = get_close_matches(name, names, n=3, cutoff=0.5) or models[:3]
    return f"; did you mean {_listed(near)}?" if near else ""


def _listed(names: list[str]) -> str:
    return " or ".join(f'"{name}"' for name in names)
