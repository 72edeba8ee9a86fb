"""What is published, judged: the manifest, the committed baseline and the measured stats. Runs and changes nothing."""

from __future__ import annotations

from pathlib import Path

import msgspec
from msgspec import Struct

from modelpack.engine.figures import published_variants, read_baseline, read_stats
from modelpack.engine.inputs import Inputs
from modelpack.engine.measuring import GoldenDigests
from modelpack.errors import ManifestError
from modelpack.judge.baseline import Baseline
from modelpack.judge.best import mark_best
from modelpack.judge.budgets import VariantMeasurements, judge_variant
from modelpack.judge.difference import refetch_bytes
from modelpack.judge.latency import measured_figures, slowest_operators
from modelpack.judge.stats import Stats
from modelpack.plan import make_plan, variant_target
from modelpack.publish.folder import MANIFEST_FILE, read_file
from modelpack.publish.parse import parse_manifest
from modelpack.publish.wire import Manifest
from modelpack.published import (
    CheckReport,
    CheckRow,
    PublishedFigures,
    PublishedVariant,
    VariantStats,
)
from modelpack.record import Verdict
from modelpack.spec.project import Model, Project
from modelpack.spec.variants import Variant
from modelpack.store.store import Store


class Standing(Struct, frozen=True):
    """What there is to judge by."""

    manifest: Manifest
    manifest_bytes: int
    baseline: Baseline
    stats: Stats
    published: dict[str, PublishedVariant]


def read_standing(project: Project) -> Standing:
    """What is published of the project. Raises: ManifestError MP-E711 if nothing is, UsageError MP-E610."""
    content = read_file(project.output.path / MANIFEST_FILE)
    if content is None:
        raise ManifestError(
            "MP-E711",
            "nothing is published here",
            where=_shown(project.output.path / MANIFEST_FILE, project),
            remedy="run `modelpack build`",
        )
    manifest, stats = parse_manifest(content), read_stats(project.stats)
    return Standing(
        manifest,
        len(content),
        read_baseline(project.baseline),
        stats,
        published_variants(manifest, stats),
    )


def check_project(project: Project, whole: Project, store: Store) -> CheckReport:
    """Every limit of the project's variants, judged on what is published.

    An evaluation of another golden set than the configured one counts as none.
    Raises: SourceError if a file of a golden set is missing, ManifestError, UsageError.
    """
    standing = read_standing(whole)
    golden = GoldenDigests(make_plan(project, "production"), Inputs(store))
    rows: list[CheckRow] = []
    verdicts: list[Verdict] = []
    for model in project.models:
        pairs = [(variant, _known(model, variant, golden, standing)) for variant in model.variants]
        found = [_row(model, variant, standing, known) for variant, known in pairs]
        rows += mark_best(found, model.golden)
        for variant, known in pairs:
            target = variant_target(model, variant)
            measured = _measured(target, variant.device, standing, known)
            verdicts += judge_variant(model, variant, measured, known.evaluation)
    store.stat_cache.save()
    return CheckReport(tuple(rows), tuple(verdicts))


def _known(
    model: Model, variant: Variant, golden: GoldenDigests, standing: Standing
) -> VariantStats:
    """What was measured of the variant as it is published, on the golden set as it is now."""
    published = standing.published.get(variant_target(model, variant))
    known = standing.stats.variants.get(published.digest) if published else None
    if known is None or model.golden is None:
        return known or VariantStats()
    if known.golden != golden.of(model, variant):
        return msgspec.structs.replace(known, golden="", evaluation=None)
    return known


def _measured(
    target: str, device: str, standing: Standing, known: VariantStats
) -> VariantMeasurements:
    published = standing.published.get(target)
    if published is None:
        return VariantMeasurements(None, None, None)
    return VariantMeasurements(
        published.download_bytes,
        published.size_bytes,
        len(published.chunks),
        transfers=tuple(published.chunks.items()),
        manifest_bytes=standing.manifest_bytes,
        largest=known.largest,
        baseline=standing.baseline.variants.get(target),
        assets=published.assets,
        measured=measured_figures(known.runs, device),
        slowest=slowest_operators(known.runs),
    )


def _row(model: Model, variant: Variant, standing: Standing, known: VariantStats) -> CheckRow:
    target = variant_target(model, variant)
    published = standing.published.get(target)
    return CheckRow(
        model.id,
        variant.id,
        variant.dtype,
        variant.device,
        published.size_bytes if published else None,
        published.download_bytes if published else None,
        len(published.chunks) if published else None,
        known.evaluation,
        _before(standing.baseline.variants.get(target), published),
        measured=measured_figures(known.runs, variant.device),
    )


def _before(
    baseline: PublishedVariant | None, published: PublishedVariant | None
) -> PublishedFigures | None:
    if baseline is None:
        return None
    return PublishedFigures(
        baseline.download_bytes,
        baseline.size_bytes,
        len(baseline.chunks),
        refetch_bytes(baseline, published) if published else 0,
        baseline.accuracy,
    )


def _shown(path: Path, project: Project) -> str:
    folder = project.config.parent
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else str(path)
