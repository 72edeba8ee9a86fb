"""The steps of a plan as the drawings see them: what they need and read, without what only keys care about."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from modelpack.planned import (
    CheckpointFiles,
    FunctionFiles,
    InputRef,
    Params,
    Plan,
    ProjectFile,
    ProjectFolder,
    RemoteFiles,
    SourceGraph,
    SourceModel,
    Step,
    StepKind,
    TfliteFile,
    Upstream,
)
from modelpack.report.places import relative_text, source_text


class StepDrawing(Struct, frozen=True, rename="camel"):
    """One step. `needs` names every step whose results it sees, `reads` the files of the project."""

    name: str
    kind: StepKind
    target: str
    params: Params
    needs: tuple[str, ...]
    reads: tuple[str, ...]
    mapped_over: str | None


def draw(plan: Plan, root: Path) -> tuple[StepDrawing, ...]:
    """The plan's steps in its order; files are written relative to `root`."""
    return tuple(
        StepDrawing(
            step.name,
            step.kind,
            step.target,
            step.params,
            _needs(step),
            _reads(step, root),
            step.mapped_over,
        )
        for step in plan.steps
    )


def direct_needs(plan: Plan) -> dict[str, tuple[str, ...]]:
    """The needs of each step, without those that another of its needs brings along."""
    behind: dict[str, set[str]] = {}
    direct: dict[str, tuple[str, ...]] = {}
    for step in plan.steps:
        needs = _needs(step)
        implied = set[str]().union(*(behind[need] for need in needs))
        behind[step.name] = implied.union(needs)
        direct[step.name] = tuple(need for need in needs if need not in implied)
    return direct


def _needs(step: Step) -> tuple[str, ...]:
    names = [
        ref.step if isinstance(ref, Upstream) else ref.inspect
        for ref in step.inputs
        if isinstance(ref, Upstream | SourceModel)
    ]
    return tuple(dict.fromkeys(names))


def _reads(step: Step, root: Path) -> tuple[str, ...]:
    return tuple(file for ref in step.inputs for file in _file(ref, root))


def _file(ref: InputRef, root: Path) -> Iterator[str]:
    match ref:
        case ProjectFile(path=path) | ProjectFolder(path=path):
            yield relative_text(path, root)
        case SourceGraph(source=source) | SourceModel(source=source):
            yield source_text(source, root)
        case CheckpointFiles(source=source) | RemoteFiles(source=source):
            yield source_text(source, root)
        case FunctionFiles(source=source) | TfliteFile(source=source):
            yield source_text(source, root)
        case Upstream():
            pass
