"""The table that a finished build ends with: one row for each variant."""

from __future__ import annotations

from collections.abc import Sequence

from modelpack.record import BuildReport, VariantReport
from modelpack.report.grid import Column, grid
from modelpack.report.metrics import metric_heading, metric_text, metrics_of
from modelpack.report.palette import Palette, plain
from modelpack.units import format_seconds, format_share, format_size

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
    metrics = metrics_of(variant.evaluation for variant in report.variants)
    columns = (*_BEFORE, *(Column(metric_heading(name), "right") for name in metrics), *_AFTER)
    rows = [_row(variant, metrics) for variant in report.variants]
    return "\n".join(grid(columns, without_repeated_models(rows), palette)) + "\n"


def _row(variant: VariantReport, metrics: Sequence[str]) -> tuple[str, ...]:
    return (
        variant.model,
        variant.variant,
        format_size(variant.source_bytes),
        format_size(variant.size_bytes),
        format_size(variant.download_bytes),
        str(variant.chunks),
        format_share(variant.shared),
        *(metric_text(variant.evaluation, name) for name in metrics),
        format_seconds(variant.seconds),
        f"{variant.cached_steps}/{variant.steps}",
    )


def without_repeated_models(rows: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
    """The rows, each model's name on its first one only."""
    models = [row[0] for row in rows]
    return [
        ("", *row[1:]) if index and models[index - 1] == row[0] else row
        for index, row in enumerate(rows)
    ]
