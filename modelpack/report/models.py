"""The models of a project: what `modelpack list` says."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from modelpack.report.grid import Column, grid
from modelpack.report.json import json_document
from modelpack.report.palette import Palette, plain
from modelpack.report.places import source_text
from modelpack.spec.limits import Growth, Limit
from modelpack.spec.project import Model, Project
from modelpack.spec.variants import Variant
from modelpack.units import format_latency, format_seconds, format_share, format_size

_COLUMNS = ("model", "source", "variant", "dtype", "device", "limits")
_SIGNS = {"<=": "≤", ">=": "≥"}


class ListedVariant(Struct, frozen=True, rename="camel"):
    """One variant as `list --json` prints it; limits as people read them."""

    model: str
    source: str
    variant: str
    dtype: str
    device: str
    limits: tuple[str, ...]


def models_text(project: Project, palette: Palette = plain) -> str:
    """One line for each variant; a model's name and source stand on its first line."""
    rows = [row for model in project.models for row in _rows(model, project)]
    return "".join(f"{line}\n" for line in grid([Column(name) for name in _COLUMNS], rows, palette))


def models_json(project: Project) -> bytes:
    """`{"variants": […]}`, in the order of the file."""
    variants = tuple(
        _listed(model, variant, project) for model in project.models for variant in model.variants
    )
    return json_document({"variants": variants})


def _rows(model: Model, project: Project) -> Iterator[tuple[str, ...]]:
    for index, variant in enumerate(model.variants):
        listed = _listed(model, variant, project)
        name, source = ("", "") if index else (listed.model, listed.source)
        yield name, source, listed.variant, listed.dtype, listed.device, ", ".join(listed.limits)


def _listed(model: Model, variant: Variant, project: Project) -> ListedVariant:
    return ListedVariant(
        model.id,
        source_text(model.source, project.config.parent),
        variant.id,
        variant.dtype,
        variant.device,
        (*map(_limit, variant.budget), *_metrics(model)),
    )


def _limit(limit: Limit) -> str:
    name = f"load_time.{limit.network.name}" if limit.network else limit.quantity
    return f"{name} ≤ {_maximum(limit)}"


def _maximum(limit: Limit) -> str:
    if isinstance(limit.maximum, Growth):
        return f"baseline {limit.maximum.share * 100:+g} %"
    match limit.quantity:
        case "download" | "size" | "assets" | "memory":
            return format_size(int(limit.maximum))
        case "update":
            return format_share(limit.maximum)
        case "load_time":
            return format_seconds(limit.maximum)
        case "latency_p50" | "latency_p95" | "first_inference":
            return format_latency(limit.maximum)
        case "chunks":
            return str(int(limit.maximum))


def _metrics(model: Model) -> Iterator[str]:
    limits = () if model.golden is None else model.golden.metrics
    for limit in limits:
        threshold = (
            f"baseline {limit.threshold:+g}" if limit.is_relative else f"{limit.threshold:g}"
        )
        yield f"{limit.metric} {_SIGNS[limit.comparison]} {threshold}"
