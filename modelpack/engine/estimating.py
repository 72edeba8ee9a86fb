"""What variants will weigh and lose: the light steps of a build run as in a build, then a worker foretells the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from modelpack.engine.admission import Admission
from modelpack.engine.inputs import materialise
from modelpack.engine.machine import usable_memory_bytes
from modelpack.engine.resolved import ResolvedInput
from modelpack.engine.runner import Listener, Runner
from modelpack.engine.schedule import run_plan
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.errors import StepError
from modelpack.estimated import EstimatedVariant, EstimateReport, EstimateRequest, Foretold, Recipe
from modelpack.plan import make_plan, variant_target
from modelpack.planned import Plan, QuantizeParams, StepKind
from modelpack.record import TaskResult
from modelpack.spec.project import Model, Project
from modelpack.spec.variants import Variant
from modelpack.store.store import Store
from modelpack.wire import TRANSPORT_HOSTS, wire_forms

# What comes before any recipe. Their results stay in the cache, so that a build does not run them again.
LIGHT: Final[frozenset[StepKind]] = frozenset(
    {"convert", "export", "fetch", "inspect", "simplify", "shake", "golden"}
)
_TIMEOUT_S: Final = 3600.0


class Tools(Struct, frozen=True):
    """The cache, workers, and who is told of steps."""

    store: Store
    workers: Workers
    listen: Listener


def light_plan(project: Project) -> Plan:
    """The steps that an estimate runs, in order."""
    return Plan(
        tuple(step for step in make_plan(project, "production").steps if step.kind in LIGHT)
    )


def estimate_project(project: Project, tools: Tools) -> EstimateReport:
    """Every variant of the project, foretold. Raises: SourceError, StepError."""
    began_s = time.monotonic()
    runner = Runner(tools.store, tools.workers, Admission(1, usable_memory_bytes()), tools.listen)
    run_plan(light_plan(project), runner.is_current, runner.execute, threads=2, keep_going=False)
    for err in runner.failures.values():
        raise err
    tools.store.stat_cache.save()
    rows = tuple(
        row for model in project.models for row in _model(project, model, runner.results, tools)
    )
    return EstimateReport(rows, time.monotonic() - began_s)


def _model(
    project: Project, model: Model, results: Mapping[str, TaskResult], tools: Tools
) -> Iterator[EstimatedVariant]:
    shaken = results[f"shake:{model.id}"].with_role("model")
    wanted = [("model", found) for found in shaken]
    if model.golden is not None:
        # Samples that shape nothing and judge nothing: an estimate leaves the verdict untouched.
        wanted += [("tune", found) for found in results[f"golden:{model.id}"].with_role("tune")]
    with tools.store.scratch.folder() as folder:
        inputs = tuple(
            ResolvedInput(role, found.name, found.digest, found.size_bytes)
            for role, found in wanted
        )
        materialise(inputs, folder, tools.store)
        samples = [folder / "tune" / found.name for role, found in wanted if role == "tune"]
        request = EstimateRequest(
            folder / "model" / shaken[0].name,
            samples[0] if samples else None,
            model.outputs,
            model.state,
            model.free_dimensions,
            tuple(_recipes(project, model)),
        )
        call = Call("modelpack.graph.estimate.foretell", "foretell", request, model.id)
        found = tools.workers.run(call, _TIMEOUT_S)
    if not isinstance(found, tuple):
        raise StepError("MP-E403", f"gave {type(found).__name__}", where=model.id)
    source_bytes = sum(one.size_bytes for one in shaken)
    for variant, foretold in zip(model.variants, found, strict=True):
        yield _row(project, (model, variant), foretold, source_bytes)


def _recipes(project: Project, model: Model) -> Iterator[Recipe]:
    params = {step.name: step.params for step in make_plan(project, "production").steps}
    for variant in model.variants:
        found = params[f"quantize:{variant_target(model, variant)}"]
        if isinstance(found, QuantizeParams):
            yield Recipe(variant.id, variant.shape, found, _least_cosine(model))


def _least_cosine(model: Model) -> float | None:
    for limit in model.golden.metrics if model.golden else ():
        if limit.metric == "cosine" and not limit.is_relative:
            return limit.threshold
    return None


def _row(
    project: Project, of: tuple[Model, Variant], foretold: Foretold, source_bytes: int
) -> EstimatedVariant:
    model, variant = of
    budgets = [limit.maximum for limit in variant.budget if limit.quantity == "download"]
    budget = next((maximum for maximum in budgets if isinstance(maximum, int | float)), None)
    return EstimatedVariant(
        model=model.id,
        variant=variant.id,
        dtype=variant.dtype,
        device=variant.device,
        source_bytes=source_bytes,
        download_bytes=_download(project, variant, foretold),
        bytes=foretold.bytes,
        loss=foretold.loss,
        samples=foretold.samples,
        budget_bytes=None if budget is None else round(budget),
        least_cosine=_least_cosine(model),
        notes=foretold.notes,
    )


def _download(project: Project, variant: Variant, foretold: Foretold) -> int:
    """The bytes of the best form that the host sends and every browser takes."""
    is_float = variant.dtype in {"fp32", "fp16"}
    forms = {form for form, _ in wire_forms(project.output, "production", is_float=is_float)}
    if project.output.host in TRANSPORT_HOSTS:
        forms.discard("zstd")
    return min(foretold.bytes["raw"], *(foretold.bytes[form] for form in forms))
