"""The samples on which a variant does worst: what `modelpack golden show` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelpack.record import EvaluatedSamples, MetricValue, SampleFigures
from modelpack.report.grid import Column, grid
from modelpack.report.palette import Palette, plain
from modelpack.report.words import count, one_line


def golden_text(found: Mapping[str, EvaluatedSamples], worst: int, palette: Palette = plain) -> str:
    """For each variant: every metric with its interval, and the `worst` samples of each with a figure."""
    return "\n".join(
        "".join(f"{line}\n" for line in _variant(name, evaluated, worst, palette))
        for name, evaluated in found.items()
    )


def _variant(name: str, evaluated: EvaluatedSamples, worst: int, palette: Palette) -> Iterator[str]:
    yield f"{one_line(name)}: {count(evaluated.samples, 'sample')} judged"
    columns = (Column("metric"), Column("value", "right"), Column("95 %"), Column("worst samples"))
    rows = [
        (
            metric.metric,
            _figure(metric.value),
            _interval(metric),
            ", ".join(_worst(index, metric, evaluated, worst)) or "none: all are alike",
        )
        for index, metric in enumerate(evaluated.metrics)
    ]
    yield from (f"  {line}" for line in grid(columns, rows, palette))


def _worst(
    index: int, metric: MetricValue, evaluated: EvaluatedSamples, worst: int
) -> Iterator[str]:
    """The samples whose figures lie nearest to the worst one, that one first; the best figure is none of the worst."""

    def distance(row: SampleFigures) -> tuple[float, int]:
        return abs(row.values[index] - metric.worst_value), row.position

    ranked = sorted(evaluated.figures, key=distance)
    best = max((distance(row)[0] for row in ranked), default=0.0)
    for row in [row for row in ranked if distance(row)[0] < best][:worst]:
        yield f"{row.name or row.position} ({_figure(row.values[index])})"


def _interval(metric: MetricValue) -> str:
    if metric.low is None or metric.high is None:
        return "–"
    return f"{_figure(metric.low)} to {_figure(metric.high)}"


def _figure(figure: float) -> str:
    return f"{figure:.6g}"
