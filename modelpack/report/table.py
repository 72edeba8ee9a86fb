"""The table that a finished build ends with: one row for each variant."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from modelpack.record import BuildReport, Evaluation, VariantReport
from modelpack.report.grid import Column, grid
from modelpack.report.palette import Palette, plain
from modelpack.units import format_seconds, format_share, format_size

_ABSENT = "–"
_BEFORE = (
    Column("model"),
    Column("variant"),
    Column("raw", "right"),
    Column("size", "right"),
    Column("download", "right"),
    Column("chunks", "right"),
    Column("shared", "right"),
)
_AFTER = (Column("time", "right"), Column("cache", "right"))


def build_table(report: BuildReport, palette: Palette = plain) -> str:
    """The table, or nothing where the build has no variants. A metric has a column if any variant has the metric."""
    if not report.variants:
        return ""
    metrics = _metrics_of(report.variants)
    columns = (*_BEFORE, *(Column(_HEADINGS[name], "right") for name in metrics), *_AFTER)
    rows = [_row(variant, metrics) for variant in report.variants]
    return "\n".join(grid(columns, _without_repeated_models(rows), palette)) + "\n"


def _metrics_of(variants: Sequence[VariantReport]) -> tuple[str, ...]:
    present = {
        metric.metric
        for variant in variants
        if variant.evaluation is not None
        for metric in variant.evaluation.metrics
    }
    return tuple(name for name in _HEADINGS if name in present)


def _row(variant: VariantReport, metrics: Sequence[str]) -> tuple[str, ...]:
    return (
        variant.model,
        variant.variant,
        format_size(variant.source_bytes),
        format_size(variant.size_bytes),
        format_size(variant.download_bytes),
        str(variant.chunks),
        format_share(variant.shared),
        *(_figure(variant.evaluation, name) for name in metrics),
        format_seconds(variant.seconds),
        f"{variant.cached_steps}/{variant.steps}",
    )


def _without_repeated_models(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    models = [row[0] for row in rows]
    return [
        ("", *row[1:]) if index and models[index - 1] == row[0] else row
        for index, row in enumerate(rows)
    ]


def _figure(evaluation: Evaluation | None, name: str) -> str:
    values = () if evaluation is None else evaluation.metrics
    figure = next((metric.value for metric in values if metric.metric == name), None)
    if figure is None:
        return _ABSENT
    return "NaN" if math.isnan(figure) else _FORMATS[name](figure)


# Agreement is cut, not rounded: a variant that differs anywhere must never read 1.0000 or 100 %.
def _cosine(figure: float) -> str:
    return f"{math.floor(figure * 10_000) / 10_000:.4f}"


def _share(figure: float) -> str:
    return "100 %" if figure >= 1 else f"{math.floor(figure * 1000) / 10:.1f} %"


def _error(figure: float) -> str:
    return f"{figure:.2g}"


_HEADINGS = {"cosine": "cosine", "max_abs_error": "error", "top1_agreement": "top-1"}
_FORMATS: dict[str, Callable[[float], str]] = {
    "cosine": _cosine,
    "max_abs_error": _error,
    "top1_agreement": _share,
}
