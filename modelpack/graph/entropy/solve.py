"""The coarsest grids that still meet the accuracy limits on the tune samples.

One number orders all allocations (see `allocation`), so this is a search for a root: the load against the scale. The
first guess comes from the predicted error, the following ones from what was measured.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from pathlib import Path

from msgspec import Struct, structs

from modelpack.graph.entropy.allocation import (
    Curve,
    allocate,
    make_curves,
    predicted_error,
)
from modelpack.graph.entropy.evening import (
    even_weights,
    evened,
    evened_curvature,
    worth_evening,
)
from modelpack.graph.entropy.grid import NOTHING, Grid
from modelpack.graph.entropy.grids import Rounder, Seen
from modelpack.graph.entropy.kept import kept_in_floats
from modelpack.graph.entropy.rendering import Form, render
from modelpack.graph.entropy.statistics import Statistics
from modelpack.graph.entropy.targets import loads_of
from modelpack.graph.golden.samples import Sample
from modelpack.graph.io import read_model, write_model
from modelpack.graph.metrics.case import Case, Outputs
from modelpack.graph.parallel import in_order
from modelpack.graph.recipes.weights import (
    SHAPED_MIN_ELEMENTS,
    Floats,
    Weight,
    find_weights,
)
from modelpack.graph.running import compared, run_sample
from modelpack.graph.sessions import open_session
from modelpack.spec.golden import StatePair
from modelpack.spec.limits import Target

MOST_ATTEMPTS = 8
# A load this near to 1 is worth no further attempt: 0.01 bits a weight.
_CLOSE = 0.985
_AIM = math.log2(_CLOSE) / 2  # halfway between the two, in octaves of the load
_FIRST_AIM = 0.9
_LEAP = 0.25  # two candidates of the list of steps
_STRIDE = 1.0


class Request(Struct, frozen=True):
    """What is asked for: the model's graph, the form it shall take, what to leave alone, and what must hold."""

    source: Path
    form: Form
    excluded: Collection[str]
    outputs: tuple[str, ...]
    targets: tuple[Target, ...]
    state: tuple[StatePair, ...] = ()


class Attempt(Struct, frozen=True):
    """One try: the scale, the load it led to, the figures, and the bytes at the integers' entropy.

    `loads` are those of each limit; `load` is the largest.
    """

    scale: float
    load: float
    figures: tuple[tuple[str, float], ...]
    entropy_bytes: float
    loads: tuple[tuple[str, float], ...] = ()

    @property
    def tightest(self) -> str:
        """The metric whose limit is nearest, or furthest exceeded."""
        return max(self.loads, key=lambda each: each[1], default=("", 0.0))[0]


class Solution(Struct, frozen=True):
    """The grids of the best attempt, and all attempts in order. `met` tells whether the limits hold."""

    grids: Mapping[str, Grid]
    steps: Mapping[str, float]
    curves: tuple[Curve, ...]
    best: Attempt
    attempts: tuple[Attempt, ...]
    seen: Seen

    @property
    def met(self) -> bool:
        """Whether the limits hold, margin included."""
        return self.best.load <= 1


class Ground(Struct, frozen=True):
    """What all attempts on a request have in common.

    `expected` are the outputs of the model itself for the samples of `tune`; `seen` is without its matrices. `kept` are
    the weights whose products stay floats, `divisors` what the inputs of others are divided by.
    """

    weights: tuple[Weight, ...]
    curves: tuple[Curve, ...]
    rounder: Rounder
    seen: Seen
    tune: tuple[Sample, ...]
    expected: tuple[Outputs, ...]
    kept: frozenset[str]
    divisors: Mapping[str, Floats]


def prepare(
    request: Request,
    statistics: Statistics,
    tune: Sequence[Sample],
    expected: tuple[Outputs, ...] = (),
) -> Ground:
    """The ground for this request; `expected` may come from one for another form."""
    model = read_model(request.source)
    found = find_weights(model, request.excluded, fewest=SHAPED_MIN_ELEMENTS).weights
    weights = tuple(weight for weight in found if weight.name in statistics.costs)
    kept, divisors = _for_integers(request, weights, statistics.seen)
    even_weights(weights, divisors)
    statistics = evened(statistics, divisors)
    return Ground(
        weights,
        make_curves(weights, statistics.costs),
        Rounder(weights, statistics.seen),
        statistics.seen.without_matrices(),
        tuple(tune),
        expected or _run(request, request.source, tune),
        kept,
        divisors,
    )


def _for_integers(
    request: Request, weights: Sequence[Weight], seen: Seen
) -> tuple[frozenset[str], dict[str, Floats]]:
    """Which products stay floats, and what the inputs of others are divided by."""
    if request.form.products != "integers":
        return frozenset(), {}
    allowed = 2 * _lacking(request)
    divisors = worth_evening(weights, seen, allowed)
    kept = kept_in_floats(weights, evened_curvature(seen.curvature, divisors), allowed)
    return kept, {name: each for name, each in divisors.items() if name not in kept}


def _lacking(request: Request) -> float:
    """What cosines may lack of 1.

    That is half of the relative squared error; other metrics have no such law, and start there too.
    """
    lacking = (1 - target.threshold for target in request.targets if target.metric == "cosine")
    return min(lacking, default=0.005)


class Solver:
    """Tries scales on one request."""

    def __init__(self, request: Request, ground: Ground) -> None:
        self._request = request
        self._ground = ground
        self.curves = ground.curves

    def attempt(self, scale: float) -> tuple[Attempt, dict[str, Grid]]:
        """The grids at that scale, and how near they come to the limits."""
        grids = self.grids(allocate(self.curves, scale))
        applied = render(
            read_model(self._request.source),
            self._request.form,
            self._request.excluded,
            grids,
        )
        with tempfile.TemporaryDirectory() as scratch:
            found = _run(
                self._request, write_model(applied.model, Path(scratch))[0], self._ground.tune
            )
        cases = [
            Case(expected, outputs, sample.feeds, sample.label)
            for expected, outputs, sample in zip(
                self._ground.expected, found, self._ground.tune, strict=True
            )
        ]
        loads, figures = loads_of(self._request.targets, cases)
        size = sum(grid.entropy_bytes for grid in grids.values())
        load = max(loads.values(), default=0.0)
        tried = Attempt(scale, load, tuple(figures.items()), size, tuple(loads.items()))
        return tried, grids

    def grids(self, steps: Mapping[str, float]) -> dict[str, Grid]:
        """Each weight on a grid of its step."""
        grids = self._ground.rounder.grids(steps)
        return {
            name: structs.replace(
                grid,
                in_floats=name in self._ground.kept,
                divisors=self._ground.divisors.get(name, NOTHING),
            )
            for name, grid in grids.items()
        }

    def first_scale(self) -> float:
        """The scale whose predicted error is a little below what the limits allow."""
        low, high = -80.0, 80.0
        # Beyond the coarsest and the finest steps that there are, other scales change nothing.
        aim = min(2 * _FIRST_AIM * _lacking(self._request), 0.95 * self._predicted(high))
        for _ in range(40):
            middle = (low + high) / 2
            low, high = (middle, high) if self._predicted(middle) < aim else (low, middle)
        return low

    def _predicted(self, scale: float) -> float:
        return predicted_error(self.curves, allocate(self.curves, scale))


def solve(request: Request, ground: Ground) -> Solution:
    """The smallest solution found in MOST_ATTEMPTS; where none holds, the one that comes closest."""
    solver = Solver(request, ground)
    attempts: list[Attempt] = []
    best: tuple[Attempt, dict[str, Grid]] | None = None
    scale = solver.first_scale()
    while len(attempts) < MOST_ATTEMPTS:
        tried, grids = solver.attempt(scale)
        attempts.append(tried)
        if best is None or _is_better(tried, best[0]):
            best = tried, grids
        if _CLOSE <= best[0].load <= 1:
            break
        following = next_scale(attempts)
        if following is None:
            break
        scale = following
    if best is None:
        raise AssertionError("at least one attempt is made")
    steps = allocate(solver.curves, best[0].scale)
    return Solution(best[1], steps, solver.curves, best[0], tuple(attempts), ground.seen)


def _run(request: Request, path: Path, samples: Sequence[Sample]) -> tuple[Outputs, ...]:
    session = open_session(path)
    given = [output.name for output in session.get_outputs()]
    names = compared(given, request.outputs, request.state)
    run = partial(run_sample, session, names=names, state=request.state)
    return tuple(in_order(run, samples))


def next_scale(attempts: Sequence[Attempt]) -> float | None:
    """Where to try next; None where no scale is left that could be better.

    The load doubles when the scale grows by one, near enough; two attempts on both sides of 1 say it better.
    """
    below = max((one for one in attempts if one.load <= 1), key=lambda one: one.scale, default=None)
    above = min((one for one in attempts if one.load > 1), key=lambda one: one.scale, default=None)
    if below is None or above is None:
        last = attempts[-1]
        move = -math.log2(max(last.load, 1e-6)) if math.isfinite(last.load) else -4.0
        return _moved(attempts, last.scale + min(max(move + _AIM, -4.0), 4.0))
    if above.scale - below.scale < 0.01:
        return None
    low, high = math.log2(max(below.load, 1e-6)), math.log2(min(above.load, 1e6))
    share = (_AIM - low) / (high - low)
    return below.scale + min(max(share, 0.1), 0.9) * (above.scale - below.scale)


def _moved(attempts: Sequence[Attempt], scale: float) -> float | None:
    """The scale, unless finer grids have stopped helping, or the coarsest there are hold."""
    if len(attempts) > 1 and attempts[-1].entropy_bytes == attempts[-2].entropy_bytes:
        # Steps come from a list: a small move may change none of them.
        return None if attempts[-1].load <= 1 else scale - _LEAP
    loads = [attempt.load for attempt in attempts]
    if len(loads) > 3 and loads[-1] > 0.98 * loads[-3] > 1:
        return None
    if len(loads) > 1 and loads[-1] > 0.9 * loads[-2] > 1:
        return scale - _STRIDE  # the costliest weights sit on a plateau of their curves: past it
    return scale


def _is_better(tried: Attempt, best: Attempt) -> bool:
    if (tried.load <= 1) != (best.load <= 1):
        return tried.load <= 1
    return tried.entropy_bytes < best.entropy_bytes if tried.load <= 1 else tried.load < best.load
