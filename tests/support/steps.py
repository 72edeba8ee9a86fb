"""Running a step function the way a worker does."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

from modelpack.planned import Params
from modelpack.steps.contract import InputFiles, StepInput

P = TypeVar("P", bound=Params)


def step_input(params: P, folder: Path, **files: Path | tuple[Path, ...]) -> StepInput[P]:
    """What a step gets: parameters, files by role, and a new empty folder `out` inside `folder`."""
    out = folder / "out"
    out.mkdir()
    given = tuple(
        InputFiles(role, paths if isinstance(paths, tuple) else (paths,))
        for role, paths in files.items()
    )
    return StepInput(params, given, out)
