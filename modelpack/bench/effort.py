"""How long to measure, and how measured times become figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

MOST_SAMPLES: Final = 64  # that are timed in turn; more would only repeat
MOST_SAMPLE_BYTES: Final = 32_000_000


class Effort(Struct, frozen=True):
    """`visits` load the model anew. The later inferences, at least `runs` and for at least `seconds`, are shared among them.

    Before them, each visit runs `warmup` inferences that do not count.
    """

    visits: int = 3
    warmup: int = 5
    runs: int = 60
    seconds: float = 2.0

    @property
    def runs_per_visit(self) -> int:
        """The inferences that count in one visit."""
        return -(-self.runs // self.visits)

    @property
    def seconds_per_visit(self) -> float:
        """The least time in which one visit collects them."""
        return self.seconds / self.visits


class Times(Struct, frozen=True):
    """What one visit took, in seconds."""

    load: float
    first: float
    later: tuple[float, ...]


class Figures(Struct, frozen=True):
    """What several visits took: medians of load and first inference, percentiles of all later ones together."""

    inferences: int
    load_s: float
    first_s: float
    p50_s: float
    p95_s: float
    p99_s: float


def figures_of(visits: Sequence[Times]) -> Figures:
    """The figures. There must be a visit, and a later inference in it."""
    later = sorted(time for visit in visits for time in visit.later)
    return Figures(
        len(later),
        percentile(sorted(visit.load for visit in visits), 0.5),
        percentile(sorted(visit.first for visit in visits), 0.5),
        percentile(later, 0.5),
        percentile(later, 0.95),
        percentile(later, 0.99),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """The smallest value that at least that share of the values does not exceed (nearest rank)."""
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]
