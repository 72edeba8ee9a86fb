"""Project → Plan: every step a build would run, as data. Pure; nothing is looked at and nothing is decided later.

checkpoint ─ export ─┐      (a file from the web: fetch)
source ──────────────┴─ inspect ─┬─ simplify ─ shake ─┬─ quantize ─┬─ split ─ compress (per chunk)      for each variant
                                 └─ golden ───────────┘            ├─ evaluate
                                                                   └─ compatibility
shake, golden ─ statistics (per model) ─ solve ─ quantize                                               for each shaped variant
shake, golden ─ calibrate ─ quantize                                                                    for each static variant
assets ─ compress (per chunk)                                                       for each model, and for the runtime
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import get_args

from modelpack.origin import first_steps, source_ref
from modelpack.planned import (
    AssetsParams,
    CalibrateParams,
    CompatibilityParams,
    CompressParams,
    InputRef,
    Plan,
    ProjectFile,
    QuantizeParams,
    ShakeParams,
    SimplifyParams,
    SolveParams,
    SplitParams,
    StatisticsParams,
    Step,
    Upstream,
)
from modelpack.proof import evaluate_step, golden_steps
from modelpack.spec.golden import Golden
from modelpack.spec.limits import Metric, Target
from modelpack.spec.project import Form, Mode, Model, OutputSettings, Project, RuntimeSettings
from modelpack.spec.variants import Variant
from modelpack.units import MIB
from modelpack.wire import wire_forms


def make_plan(project: Project, mode: Mode) -> Plan:
    """The plan for all of the project's models and variants."""
    steps: Iterator[Step] = (
        step for model in project.models for step in _model_steps(model, project, mode)
    )
    if project.runtime is not None:
        steps = chain(steps, _runtime_steps(project.runtime, project.output, mode))
    # Parts of a checkpoint share its export, and a model that is another's reference is inspected for it too.
    return Plan(tuple({step.name: step for step in steps}.values()))


RUNTIME_TARGET = "[runtime]"  # no model can have this name
_RUNTIME_CHUNK_BYTES = 4 * MIB  # as weights are cut by default


def variant_target(model: Model, variant: Variant) -> str:
    """How steps and people name a variant: `minilm@q8`."""
    return f"{model.id}@{variant.id}"


def _model_steps(model: Model, project: Project, mode: Mode) -> Iterator[Step]:
    output = project.output
    yield from first_steps(model)
    if model.simplify:
        yield _simplify(model)
    yield _shake(model)
    if model.golden is not None:
        if model.golden.reference is not None:
            yield from first_steps(model.golden.reference)
        yield from golden_steps(model, model.golden)
        if any(_is_shaped(variant) for variant in model.variants):
            yield _statistics(model)
    if model.assets:
        yield _assets(model)
        forms = wire_forms(output, mode, is_float=False)
        if forms:
            yield _compress(model.id, f"assets:{model.id}", forms)
    for variant in model.variants:
        forms = _variant_forms(variant, output, mode)
        yield from _variant_steps(model, variant, forms, project.web_release)


def _variant_steps(
    model: Model, variant: Variant, forms: tuple[tuple[Form, int], ...], web_release: str
) -> Iterator[Step]:
    target = variant_target(model, variant)
    if model.golden is not None and _is_shaped(variant):
        yield _solve(model, model.golden, variant)
    if variant.settings.is_static:
        yield _calibrate(model, variant)
    yield _quantize(model, variant)
    yield Step(
        "compatibility",
        target,
        CompatibilityParams(variant.device, web_release, variant.accepted_fallbacks),
        (Upstream("graph", f"quantize:{target}", "graph"),),
    )
    if model.golden is not None:
        yield evaluate_step(model, model.golden, target)
    yield Step(
        "split",
        target,
        SplitParams(model.chunk_size_bytes),
        (Upstream("model", f"quantize:{target}", "model"),),
    )
    if forms:
        yield _compress(target, f"split:{target}", forms)


def _simplify(model: Model) -> Step:
    return Step("simplify", model.id, SimplifyParams(), (source_ref(model, "model"),))


def _shake(model: Model) -> Step:
    simplified = Upstream("model", f"simplify:{model.id}", "model")
    return Step(
        "shake",
        model.id,
        ShakeParams(model.outputs, model.free_dimensions),
        (simplified if model.simplify else source_ref(model, "model"),),
    )


def _is_shaped(variant: Variant) -> bool:
    return variant.shape != "plain"


def _statistics(model: Model) -> Step:
    return Step(
        "statistics",
        model.id,
        StatisticsParams(model.outputs, model.state),
        (
            Upstream("model", f"shake:{model.id}", "model"),
            Upstream("fit", f"golden:{model.id}", "fit"),
        ),
    )


def _targets(golden: Golden) -> Iterator[Target]:
    """The limits a search can aim at: a project's own functions, and the baseline's figures, are left to the verdict."""
    for limit in golden.metrics:
        for metric in get_args(Metric):
            if limit.metric == metric and not limit.is_relative:
                yield Target(metric, limit.threshold)


def _solve(model: Model, golden: Golden, variant: Variant) -> Step:
    return Step(
        "solve",
        variant_target(model, variant),
        SolveParams(
            variant.device,
            variant.shape,
            variant.nodes_to_exclude,
            model.outputs,
            tuple(_targets(golden)),
            model.state,
            variant.objective,
        ),
        (
            Upstream("model", f"shake:{model.id}", "model"),
            Upstream("statistics", f"statistics:{model.id}", "statistics"),
            Upstream("tune", f"golden:{model.id}", "tune"),
        ),
    )


def _calibrate(model: Model, variant: Variant) -> Step:
    """Variants that calibrate by the same method have steps of the same key: the work is done once."""
    return Step(
        "calibrate",
        variant_target(model, variant),
        CalibrateParams(variant.settings.calibrate_method, model.state),
        (
            Upstream("model", f"shake:{model.id}", "model"),
            Upstream("fit", f"golden:{model.id}", "fit"),
        ),
    )


def _quantize(model: Model, variant: Variant) -> Step:
    target = variant_target(model, variant)
    found: tuple[InputRef, ...] = ()
    if _is_shaped(variant):
        found = (Upstream("grids", f"solve:{target}", "grids"),)
    elif variant.settings.is_static:
        found = (Upstream("ranges", f"calibrate:{target}", "ranges"),)
    return Step(
        "quantize",
        target,
        QuantizeParams(
            variant.dtype,
            variant.device,
            variant.nodes_to_exclude,
            variant.block_size,
            variant.settings,
        ),
        (Upstream("model", f"shake:{model.id}", "model"), *found),
    )


def _assets(model: Model) -> Step:
    return Step(
        "assets",
        model.id,
        AssetsParams(tuple(asset.name for asset in model.assets), model.chunk_size_bytes),
        tuple(ProjectFile("asset", asset.path) for asset in model.assets),
    )


def _runtime_steps(runtime: RuntimeSettings, output: OutputSettings, mode: Mode) -> Iterator[Step]:
    paths = tuple(dict.fromkeys(build.path for build in runtime.builds))  # devices may share one
    names = tuple(path.name for path in paths)
    files = tuple(ProjectFile("asset", path) for path in paths)
    yield Step("assets", RUNTIME_TARGET, AssetsParams(names, _RUNTIME_CHUNK_BYTES), files)
    forms = wire_forms(output, mode, is_float=False)
    if forms:
        yield _compress(RUNTIME_TARGET, f"assets:{RUNTIME_TARGET}", forms)


def _compress(target: str, split: str, forms: tuple[tuple[Form, int], ...]) -> Step:
    return Step(
        "compress",
        target,
        CompressParams(forms),
        (Upstream("chunk", split, "chunk"),),
        mapped_over="chunk",
    )


def _variant_forms(
    variant: Variant, output: OutputSettings, mode: Mode
) -> tuple[tuple[Form, int], ...]:
    return wire_forms(output, mode, is_float=variant.dtype in {"fp32", "fp16"})
