"""A golden set from a folder: the model is inspected, then a worker reads the files."""

from __future__ import annotations

from pathlib import Path

from modelpack.engine.admission import Admission
from modelpack.engine.machine import usable_memory_bytes
from modelpack.engine.runner import Runner
from modelpack.engine.schedule import run_plan
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.plan import make_plan
from modelpack.planned import GoldenParams, Plan
from modelpack.record import ModelFacts
from modelpack.sources.folder import list_folder
from modelpack.spec.project import Model, Project
from modelpack.steps.recording import Recording
from modelpack.store.atomic import write_atomically
from modelpack.store.store import Store

_TIMEOUT_S = 600.0


def record_golden(
    project: Project, folder: Path, destination: Path, tools: tuple[Store, Workers]
) -> int:
    """The number of samples of the project's only model that were written to `destination`, an .npz file.

    Raises: SourceError if the folder or the model cannot be read, StepError if a file is no sample of the model.
    """
    store, workers = tools
    (model,) = project.models
    files = list_folder(folder, "a folder of samples").files
    facts = _facts(project, model, store, workers)
    with store.scratch.folder() as scratch:
        names = tuple(path.relative_to(folder).as_posix() for path in files)
        argument = Recording(
            _params(model), facts, folder, names, _preprocessor(model), scratch / "samples.npz"
        )
        call = Call("modelpack.steps.record", "record", argument, f"golden record {model.id}")
        count = workers.run(call, _TIMEOUT_S)
        destination.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(destination, (scratch / "samples.npz").read_bytes())
    return int(str(count))


def _facts(project: Project, model: Model, store: Store, workers: Workers) -> ModelFacts:
    runner = Runner(store, workers, Admission(1, usable_memory_bytes()), lambda _: None)
    name = f"inspect:{model.id}"
    steps = tuple(step for step in make_plan(project, "production").steps if step.name == name)
    run_plan(Plan(steps), runner.is_current, runner.execute, threads=1, keep_going=False)
    if name in runner.failures:
        raise runner.failures[name]
    store.stat_cache.save()
    return runner.inputs.facts(runner.results[name])


def _params(model: Model) -> GoldenParams:
    preprocess = model.golden.preprocess if model.golden else None
    return GoldenParams("folder", model.free_dimensions, model.state, preprocess)


def _preprocessor(model: Model) -> Path | None:
    return model.golden.preprocessor if model.golden else None
