"""The hand-over between the engine and a step.

1. A step reads its input files and parameters, writes files into `folder`, and returns; nothing else is visible to it.
2. Its output depends on nothing but its parameters, the bytes of its inputs and the names of files beside the first.
3. It raises ModelpackError for what a user can mend; anything else is a bug.
"""

from __future__ import annotations

from pathlib import Path
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from modelpack.planned import Params
from modelpack.record import Measurement

P = TypeVar("P", bound=Params)


class InputFiles(Struct, frozen=True):
    """The files of one role. External data lies beside its graph, so a model may be opened by `paths[0]`.

    `names` are the paths of a folder's files inside it; where there are none, the files' own names do.
    """

    role: str
    paths: tuple[Path, ...]
    names: tuple[str, ...] = ()


class StepInput(Struct, Generic[P], frozen=True):
    """Parameters, files by role, and an empty folder to write to."""

    params: P
    files: tuple[InputFiles, ...]
    folder: Path

    def many(self, role: str) -> tuple[Path, ...]:
        """The files of that role; none where the plan gave none."""
        return next((files.paths for files in self.files if files.role == role), ())

    def names(self, role: str) -> tuple[str, ...]:
        """How the user knows the files of that role."""
        files = next((files for files in self.files if files.role == role), InputFiles(role, ()))
        return files.names or tuple(path.name for path in files.paths)

    def one(self, role: str) -> Path:
        """The file of that role; of a model, its graph."""
        return self.many(role)[0]


class OutputFile(Struct, frozen=True):
    """A file the step wrote into its folder. Its name is what later steps will see it as."""

    role: str
    path: Path


class StepOutput(Struct, frozen=True):
    """What a step gives back. A file may be named twice, under different roles."""

    files: tuple[OutputFile, ...]
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()


class StepFunction(Protocol):
    """The shape of `run` in every step module."""

    def __call__(self, step: StepInput[Params], /) -> StepOutput:
        """The step's work, done."""
        ...


def output_files(role: str, paths: tuple[Path, ...]) -> tuple[OutputFile, ...]:
    """These paths as outputs of one role, in order."""
    return tuple(OutputFile(role, path) for path in paths)
