"""What a build measured, into `modelpack.stats.json`: `check` judges accuracy without running anything."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import Struct

from modelpack.digest import digest_json
from modelpack.engine.inputs import Inputs
from modelpack.engine.reporting import BuiltVariant
from modelpack.engine.resolved import remote_files
from modelpack.judge.budgets import largest_tensors
from modelpack.judge.stats import merged_stats
from modelpack.plan import variant_target
from modelpack.planned import EvaluateParams, Params, Plan
from modelpack.proof import other_target
from modelpack.publish.folder import read_file, read_manifest
from modelpack.published import VariantStats
from modelpack.sources.locate import locate
from modelpack.spec.project import Model, Project
from modelpack.spec.sources import (
    CheckpointSource,
    FunctionSource,
    HubSource,
    Source,
    TfliteSource,
    UrlSource,
)
from modelpack.spec.variants import Variant
from modelpack.store.atomic import write_atomically


def write_stats(
    project: Project, built: Sequence[BuiltVariant], plan: Plan, inputs: Inputs
) -> None:
    """Writes what was measured of the variants that are published now. Projects without a golden set get no file, unless they accept that nodes fall back."""
    before = read_file(project.stats)
    if before is None and not any(one.evaluation or one.fallbacks for one in built):
        return
    manifest = read_manifest(project.output.path)
    published = frozenset(
        variant.digest
        for model in (manifest.models.values() if manifest else ())
        for variant in model.variants
    )
    golden = GoldenDigests(plan, inputs)
    measured = {one.digest: _stats(one, golden) for one in built if one.digest in published}
    content = merged_stats(before, measured, published)
    if content != before:
        write_atomically(project.stats, content)


class GoldenDigests(Struct, frozen=True):
    """The identities of golden sets as the plan has them."""

    plan: Plan
    inputs: Inputs

    def of(self, model: Model, variant: Variant) -> str:
        """What an evaluation follows from, but for the variant: samples, labels, functions, and how they are read.

        Raises: SourceError if one of the files is not there.
        """
        names = {
            f"golden:{model.id}",
            f"golden:{other_target(model)}",
            f"evaluate:{variant_target(model, variant)}",
        }
        steps = [step for step in self.plan.steps if step.name in names]
        own = [(_unlimited(step.params), self.inputs.project_digests(step)) for step in steps]
        reference = model.golden.reference if model.golden else None
        other = self._source_digest(reference.source) if reference else ""
        return digest_json([own, other])

    def _source_digest(self, source: Source) -> str:
        if isinstance(source, CheckpointSource):
            files = self.inputs.checkpoint("reference", source)
            return digest_json([found.digest for found in files])
        if isinstance(source, FunctionSource):
            files = self.inputs.function("reference", source)
            return digest_json([found.digest for found in files])
        if isinstance(source, TfliteSource):
            files = self.inputs.tflite("reference", source)
            return digest_json([found.digest for found in files])
        if isinstance(source, UrlSource | HubSource):
            return digest_json([found.digest for found in remote_files("reference", source)])
        return self.inputs.digest(locate(source))


def _unlimited(params: Params) -> Params:
    """Without the metrics that have a limit: a limit more must not make the others unmeasured."""
    if isinstance(params, EvaluateParams):
        return msgspec.structs.replace(params, metrics=())
    return params


def _stats(built: BuiltVariant, golden: GoldenDigests) -> VariantStats:
    largest = largest_tensors(built.tensors)
    if built.evaluation is None:
        return VariantStats(largest=largest, fallbacks=built.fallbacks)
    digest = golden.of(built.model, built.variant)
    return VariantStats(digest, built.evaluation, largest, fallbacks=built.fallbacks)
