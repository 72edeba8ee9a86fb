"""Which variants of a model are worth choosing from."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelpack.published import CheckRow
from modelpack.spec.golden import Golden
from modelpack.spec.limits import MetricLimit


def mark_best(rows: Sequence[CheckRow], golden: Golden | None) -> tuple[CheckRow, ...]:
    """The rows of one model, the Pareto-best marked: no other is smaller without being less accurate, or the reverse.

    Accuracy is the first metric with a limit, size the download. Without both, or with one variant, none is marked.
    """
    limits = golden.metrics if golden else ()
    if not limits:
        return tuple(rows)
    places = [_place(row, limits[0]) for row in rows]
    if sum(place is not None for place in places) < 2:
        return tuple(rows)
    return tuple(
        msgspec.structs.replace(row, is_best=place is not None and not _is_beaten(place, places))
        for row, place in zip(rows, places, strict=True)
    )


def _place(row: CheckRow, limit: MetricLimit) -> tuple[float, float] | None:
    """Download and loss: less is better in both."""
    if row.evaluation is None or row.download_bytes is None:
        return None
    sign = 1 if limit.comparison == "<=" else -1
    for metric in row.evaluation.metrics:
        if metric.metric == limit.metric:
            return float(row.download_bytes), sign * metric.value
    return None


def _is_beaten(place: tuple[float, float], places: Sequence[tuple[float, float] | None]) -> bool:
    return any(
        other is not None and other != place and other[0] <= place[0] and other[1] <= place[1]
        for other in places
    )
