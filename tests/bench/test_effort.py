from __future__ import annotations

import pytest

from modelpack.bench.effort import Effort, Figures, Times, figures_of, percentile


def test_figures_of_visits_pool_later_inferences_and_take_medians_of_the_rest() -> None:
    visits = [
        Times(3.0, 0.3, (0.01, 0.02)),
        Times(1.0, 0.1, (0.03, 0.04)),
        Times(2.0, 0.2, (0.05,)),
    ]
    assert figures_of(visits) == Figures(5, 2.0, 0.2, 0.03, 0.05, 0.05)


@pytest.mark.parametrize(
    ("share", "value"), [(0.5, 2), (0.75, 3), (0.76, 4), (0.95, 4), (1.0, 4), (0.0, 1)]
)
def test_percentile_is_a_value_that_was_measured(share: float, value: float) -> None:
    assert percentile([1, 2, 3, 4], share) == value


def test_effort_is_shared_among_visits() -> None:
    effort = Effort(visits=3, runs=50, seconds=3.0)
    assert (effort.runs_per_visit, effort.seconds_per_visit) == (17, 1.0)
