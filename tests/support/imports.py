"""Which modules of modelpack a module can reach, read from its source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import modelpack

_PACKAGE = Path(modelpack.__file__).parent


def modules_behind(name: str) -> set[str]:
    """The files of the package that `name` imports, directly or not, and itself; relative to the package."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = waiting.pop()
        if current not in found:
            found.add(current)
            waiting += _imports(_PACKAGE / current)
    return found


def packages_of(name: str) -> set[str]:
    """The top-level packages that the file imports, by their import names; relative to the package."""
    return {module.partition(".")[0] for module in _modules(_PACKAGE / name)}


def _modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _files(alias.name)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from _files(node.module)
            for alias in node.names:
                yield from _files(f"{node.module}.{alias.name}")


def _files(module: str) -> Iterator[str]:
    first, _, rest = module.partition(".")
    place = rest.replace(".", "/")
    if first == "modelpack":
        for candidate in (f"{place}.py", f"{place}/__init__.py" if place else "__init__.py"):
            if (_PACKAGE / candidate).is_file():
                yield candidate
