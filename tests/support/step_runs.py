"""Calling a step's function the way a worker does."""

from __future__ import annotations

from pathlib import Path

from modelpack.steps.contract import InputFiles, P, StepInput, StepOutput


def step_input(params: P, folder: Path, **files: Path | tuple[Path, ...]) -> StepInput[P]:
    """The input of a step that writes into a new folder inside `folder`; files by role."""
    place = folder / f"out{len(list(folder.glob('out*')))}"
    place.mkdir()
    roles = tuple(
        InputFiles(role, paths if isinstance(paths, tuple) else (paths,))
        for role, paths in files.items()
    )
    return StepInput(params, roles, place)


def measured(output: StepOutput) -> dict[str, int | float | str]:
    """The measurements by name."""
    return {measurement.name: measurement.value for measurement in output.measurements}


def path_of(output: StepOutput, role: str) -> Path:
    """The first file of that role."""
    return next(file.path for file in output.files if file.role == role)
