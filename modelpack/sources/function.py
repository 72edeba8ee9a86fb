"""The files that a function of the project follows from, read from its source: nothing is imported.

1. `python:models.words:make` is in `models/words.py` or `models/words/__init__.py`, seen from the folder of the configuration.
2. What that file imports, and is a file below the same folder, counts too, and so on. Installed packages do not; their
   versions are not in the key, but for those of the exporter.
3. Other files that the function reads have to be named. The worker sees copies of these files only, so that one that is
   not named is missed at once, and not first when it changed.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from modelpack.errors import SourceError
from modelpack.spec.sources import FunctionSource


class FunctionFiles(Struct, frozen=True):
    """The files, sorted, the function's own first; `absent` would be other files of the same modules if they came."""

    files: tuple[Path, ...]
    absent: tuple[Path, ...]


def function_files(source: FunctionSource) -> FunctionFiles:
    """The files of the function (rules 1 to 3). Raises: SourceError MP-E201 if its module is not there, MP-E463 if it is no Python."""
    first = _module_file(source.module, source.root)
    if first is None:
        raise SourceError(
            "MP-E201",
            f'no module {source.module}; expected "{source.module.replace(".", "/")}.py" in {source.root}',
            where=source.text,
            remedy="correct `source`; modules are seen from the folder of modelpack.toml",
        )
    for read in source.files:
        if not read.is_file():
            raise SourceError(
                "MP-E201", "no such file", where=str(read), remedy="correct `files`, or create it"
            )
    found: dict[Path, None] = {}
    absent: set[Path] = set()
    waiting = [source.module]
    while waiting:
        module = waiting.pop(0)
        for name in _with_parents(module):
            path = _module_file(name, source.root)
            if path is None:
                absent.update(_candidates(name, source.root))
            elif path not in found:
                found[path] = None
                waiting += _imports(path, name)
    others = sorted({*found, *source.files} - {first})
    return FunctionFiles((first, *others), tuple(sorted(absent)))


def _module_file(module: str, root: Path) -> Path | None:
    return next((path for path in _candidates(module, root) if path.is_file()), None)


def _candidates(module: str, root: Path) -> tuple[Path, Path]:
    place = root.joinpath(*module.split("."))
    return place / "__init__.py", place.with_name(f"{place.name}.py")


def _with_parents(module: str) -> Iterator[str]:
    parts = module.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts) + 1))


def _imports(path: Path, module: str) -> Iterator[str]:
    """The full names of what the file imports, and of what may be modules among it."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError) as err:
        raise SourceError(
            "MP-E463", f"it is no Python ({err})", where=str(path), remedy="correct it"
        ) from err
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, package)
            yield from filter(
                None, (base, *(f"{base}.{alias.name}".strip(".") for alias in node.names))
            )


def _base(node: ast.ImportFrom, package: str) -> str:
    parts = package.split(".") if package else []
    above = parts[: len(parts) - node.level + 1] if node.level else []
    return ".".join([*above, *filter(None, [node.module])])
