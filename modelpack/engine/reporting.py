"""Figures of each variant that was built: judged first, shown afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import msgspec
from msgspec import Struct

from modelpack.compatible import AcceptedFallback
from modelpack.engine.runner import Runner
from modelpack.judge.baseline import Baseline
from modelpack.judge.budgets import VariantMeasurements, judge_variant
from modelpack.judge.latency import MEASURED
from modelpack.plan import variant_target
from modelpack.planned import Plan, Step
from modelpack.publish.pack import PackedModel
from modelpack.publish.sizes import (
    asset_transfers,
    shared_shares,
    variant_chunk_count,
    variant_transfer_bytes,
    variant_transfers,
)
from modelpack.publish.wire import Manifest
from modelpack.record import Evaluation, TensorBytes, VariantReport, Verdict
from modelpack.spec.project import Model
from modelpack.spec.variants import Variant


class BuiltVariant(Struct, frozen=True):
    """A variant as it would be published. `shared` is the share of its transfer that another variant needs too."""

    model: Model
    variant: Variant
    scheme: str
    size_bytes: int
    download_bytes: int
    chunks: int
    shared: float
    tensors: tuple[TensorBytes, ...]
    evaluation: Evaluation | None
    digest: str
    transfers: tuple[tuple[str, int], ...]
    assets: dict[str, int]
    fallbacks: tuple[AcceptedFallback, ...] = ()


def built_variants(
    models: Iterable[Model],
    packed: Mapping[str, PackedModel],
    manifest: Manifest,
    evaluations: Mapping[str, Evaluation | None],
) -> Iterator[BuiltVariant]:
    """Every variant of these models, in the order of the configuration."""
    shares = shared_shares(manifest)
    for model in models:
        published = {variant.id: variant for variant in manifest.models[model.id].variants}
        layouts = {variant.id: variant.layout for variant in packed[model.id].variants}
        for variant in model.variants:
            found = published[variant.id]
            yield BuiltVariant(
                model=model,
                variant=variant,
                scheme=found.scheme,
                size_bytes=found.size.decoded,
                download_bytes=variant_transfer_bytes(manifest, found),
                chunks=variant_chunk_count(manifest, found),
                shared=shares[model.id, variant.id],
                tensors=layouts[variant.id].tensors,
                evaluation=evaluations[variant_target(model, variant)],
                digest=found.digest,
                transfers=variant_transfers(manifest, found),
                assets=asset_transfers(manifest, manifest.models[model.id]),
            )


def verdicts_on(
    built: BuiltVariant, baseline: Baseline, manifest_bytes: int
) -> tuple[Verdict, ...]:
    """A verdict for each limit of the variant that a build can know; what takes a browser, `check` judges."""
    measured = VariantMeasurements(
        built.download_bytes,
        built.size_bytes,
        built.chunks,
        built.tensors,
        built.transfers,
        manifest_bytes,
        baseline=baseline.variants.get(variant_target(built.model, built.variant)),
        assets=built.assets,
    )
    known = tuple(limit for limit in built.variant.budget if limit.quantity not in MEASURED)
    variant = msgspec.structs.replace(built.variant, budget=known)
    return judge_variant(built.model, variant, measured, built.evaluation)


def report_on(built: BuiltVariant, plan: Plan, runner: Runner, source_bytes: int) -> VariantReport:
    """The variant's row of the table."""
    steps = _steps_of(built, plan)
    return VariantReport(
        model=built.model.id,
        variant=built.variant.id,
        dtype=built.variant.dtype,
        device=built.variant.device,
        scheme=built.scheme,
        source_bytes=source_bytes,
        size_bytes=built.size_bytes,
        download_bytes=built.download_bytes,
        chunks=built.chunks,
        assets_bytes=sum(built.assets.values()),
        shared=built.shared,
        evaluation=built.evaluation,
        seconds=sum(runner.seconds.get(step.name, 0.0) for step in steps),
        cached_steps=sum(step.name not in runner.seconds for step in steps),
        steps=len(steps),
        notes=tuple(_notes(steps, runner)),
    )


def _steps_of(built: BuiltVariant, plan: Plan) -> tuple[Step, ...]:
    """The variant's own steps and those it shares with the model's other variants."""
    targets = {built.model.id, variant_target(built.model, built.variant)}
    return tuple(step for step in plan.steps if step.target in targets)


def _notes(steps: Iterable[Step], runner: Runner) -> Iterator[str]:
    for step in steps:
        for _, result in runner.results[step.name].items:
            yield from (f"{step.kind}: {note}" for note in result.notes)
