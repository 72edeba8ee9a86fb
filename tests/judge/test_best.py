from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelpack.judge.best import mark_best
from modelpack.published import CheckRow
from modelpack.record import Evaluation, MetricValue
from modelpack.spec.golden import Golden
from modelpack.spec.limits import Comparison, MetricLimit
from tests.support.checks import check_row


def golden(comparison: Comparison = ">=") -> Golden:
    limit = MetricLimit("cosine", comparison, 0.9, "k")
    return Golden(Path("g.npz"), None, (limit,))


def rows(*places: tuple[int, float | None]) -> list[CheckRow]:
    return [
        msgspec.structs.replace(
            check_row("q8"),
            download_bytes=size,
            evaluation=Evaluation(3, (MetricValue("cosine", value, 0, value),)) if value else None,
        )
        for size, value in places
    ]


@pytest.mark.parametrize(
    ("places", "best"),
    [
        ([(100, 0.99), (50, 0.98)], [True, True]),
        ([(100, 0.98), (50, 0.99)], [False, True]),
        ([(100, 0.99), (50, 0.99)], [False, True]),
        ([(50, 0.98), (50, 0.99)], [False, True]),
        ([(50, 0.99), (50, 0.99)], [True, True]),
        ([(100, 0.99), (50, None)], [False, False]),
        ([(100, 0.99)], [False]),
    ],
)
def test_mark_best_is_what_no_other_beats(
    places: list[tuple[int, float | None]], best: list[bool]
) -> None:
    assert [row.is_best for row in mark_best(rows(*places), golden())] == best


def test_mark_best_of_an_error_less_is_better() -> None:
    found = mark_best(rows((100, 0.3), (50, 0.2)), golden("<="))
    assert [row.is_best for row in found] == [False, True]


def test_mark_best_without_limits_marks_none() -> None:
    assert not any(row.is_best for row in mark_best(rows((100, 0.3), (50, 0.2)), None))
