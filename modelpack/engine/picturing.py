"""What the HTML report shows, collected: the check, what the cache knows of its variants, what git knows of baselines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec
from msgspec import Struct

from modelpack.engine.baselines import committed_baselines
from modelpack.engine.checking import Standing, check_project, read_standing
from modelpack.engine.excerpts import excerpts
from modelpack.engine.survey import known_results
from modelpack.picture import Picture, VariantPicture
from modelpack.plan import make_plan, variant_target
from modelpack.published import VariantStats
from modelpack.record import EvaluatedSamples, Layout, TaskResult
from modelpack.spec.golden import Golden, ImageLayout
from modelpack.spec.project import Model, Project
from modelpack.spec.variants import Variant
from modelpack.store.store import Store

T = TypeVar("T")


class _Known(Struct, frozen=True):
    standing: Standing
    results: Mapping[str, TaskResult]
    store: Store


def picture_of(project: Project, whole: Project, store: Store) -> Picture:
    """The picture of what is published of the project's models.

    Raises: ManifestError MP-E711 if nothing is, SourceError if a source or a file of a golden set is missing, UsageError.
    """
    standing = read_standing(whole)
    known = _Known(standing, known_results(make_plan(project, "production"), store), store)
    return Picture(
        project=project.config.parent.resolve().name,
        check=check_project(project, whole, store),
        manifest_bytes=standing.manifest_bytes,
        variants=tuple(
            _variant(model, variant, known)
            for model in project.models
            for variant in model.variants
        ),
        machines=standing.stats.machines,
        history=committed_baselines(whole.baseline),
        thumbnails={
            model.id: _thumbnails(model, model.golden, known)
            for model in project.models
            if model.golden
        },
    )


def _variant(model: Model, variant: Variant, known: _Known) -> VariantPicture:
    target = variant_target(model, variant)
    published = known.standing.published.get(target)
    stats = known.standing.stats.variants.get(published.digest) if published else None
    layout = _read(f"split:{target}", "layout", Layout, known)
    return VariantPicture(
        model.id,
        variant.id,
        model.group,
        layout.tensors if layout else (),
        _read(f"evaluate:{target}", "evaluation", EvaluatedSamples, known),
        excerpts(model.golden.samples) if model.golden else {},
        (stats or VariantStats()).runs,
        tuple(published.chunks.items()) if published else (),
        tuple(limit.network for limit in variant.budget if limit.network),
    )


def _read(step: str, role: str, kind: type[T], known: _Known) -> T | None:
    """What the step gave under that role; None where the cache no longer has it."""
    result = known.results.get(step)
    if result is None:
        return None
    (output,) = result.with_role(role)
    return msgspec.json.decode(known.store.blobs.read_bytes(output.digest), type=kind)


def _thumbnails(model: Model, golden: Golden, known: _Known) -> dict[int, bytes]:
    """Pictures of the judge samples; none where they are no pictures, or the cache no longer has them."""
    from modelpack.engine.thumbnails import thumbnails  # noqa: PLC0415 (numpy: 100 ms)

    result = known.results.get(f"golden:{model.id}")
    if result is None:
        return {}
    (judge,) = result.with_role("judge")
    layout = golden.preprocess
    is_bgr = isinstance(layout, ImageLayout) and layout.color == "bgr"
    return thumbnails(known.store.blobs.path(judge.digest), is_bgr=is_bgr)
