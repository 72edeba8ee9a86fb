"""Which source files a step's result follows from, and their digests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import modelpack
from modelpack.digest import digest_file
from modelpack.planned import StepKind
from modelpack.steps.catalog import CATALOG

_PACKAGE = Path(modelpack.__file__).parent
# What every step may use. A change in graph/ wakes all steps: splitting hairs here would one day serve stale bytes.
_SHARED = (
    "planned.py",
    "record.py",
    "decoding.py",
    "digest.py",
    "units.py",
    "errors.py",
    "cores.py",
    "steps/contract.py",
)


def code_digests(kind: StepKind) -> tuple[tuple[str, str], ...]:
    """The digest of each source file that steps of this kind run, by its path inside the package."""
    step_file = CATALOG[kind].module.removeprefix("modelpack.").replace(".", "/") + ".py"
    names = {step_file, *_SHARED, *_files("spec"), *_files("graph"), *CATALOG[kind].data}
    if kind in {"convert", "export"}:
        names.update(_files("export"))
    return tuple((name, _digest(name)) for name in sorted(names))


def folder_digests(*folders: str) -> tuple[tuple[str, str], ...]:
    """The digest of each source file in these folders of the package, scripts of pages included."""
    names = {
        name
        for folder in folders
        for ending in ("py", "js", "html")
        for name in _files(folder, ending)
    }
    return tuple((name, _digest(name)) for name in sorted(names))


@cache
def _files(folder: str, ending: str = "py") -> tuple[str, ...]:
    return tuple(
        path.relative_to(_PACKAGE).as_posix() for path in (_PACKAGE / folder).rglob(f"*.{ending}")
    )


@cache
def _digest(name: str) -> str:
    return digest_file(_PACKAGE / name)
