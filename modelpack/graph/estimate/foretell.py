"""Every variant of a model foretold: what it will weigh in each encoding, and a band for what it will lose."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import onnx_ir as ir
import onnxruntime as ort
from msgspec import Struct

from modelpack.errors import StepError
from modelpack.estimated import EstimateRequest, Foretold, Recipe
from modelpack.graph.estimate.simulated import Simulated, simulate
from modelpack.graph.estimate.sizes import added, encoded_sizes, whole_sizes
from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import first_line, working_feeds
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.io import read_model, write_model
from modelpack.graph.metrics.case import Case
from modelpack.graph.metrics.cosine import cosine
from modelpack.graph.running import compared, run_sample
from modelpack.graph.sessions import Array, open_session
from modelpack.spec.golden import StatePair

_MOST_SAMPLES: Final = 24
# A shaped variant's weights are rounded with feedback, which keeps a limit on far coarser grids than plain rounding does;
# this many times the loss of the limit, rounded plainly, has the same bytes (fitted to docs/figures-variants.md).
_FEEDBACK_GAIN: Final = 6.0
_ATTEMPTS: Final = 6
_STEPS: Final = (0.005, 2.0)  # of the spread of a weight: 10 bits a number, and less than one
_DEFAULT_COSINE: Final = 0.999
_UNTOLD_STEP: Final = 0.25  # where no grid is too coarse for a cosine, as for one probability, others hold a search back
# How far few samples and what is not simulated (float16 inside products, operators that are fused) may be off.
_BAND: Final = 4.0
_LEAST_BAND: Final = {"fp32": 1e-6, "fp16": 2e-5, "q4f16": 2e-5}
_NODE_BYTES: Final = 260  # a narrowed weight's nodes and names, as stored; they compress well
_EQUAL_SCALES: Final = 0.1  # shaped weights have few steps that differ
_DOES_NOT_RUN: Final[tuple[type[Exception], ...]] = (*ONNXRUNTIME_ERRORS, ValueError)


class _Judge(Struct, frozen=True):
    """The samples, what the original gives for each, and what is compared. `is_real`: they are of the golden set."""

    samples: tuple[Sample, ...]
    expected: tuple[dict[str, Array], ...]
    request: EstimateRequest
    names: tuple[str, ...]
    is_real: bool


def foretell(request: EstimateRequest) -> tuple[Foretold, ...]:
    """A Foretold for each recipe, in order.

    Raises: StepError if a pattern of `nodes_to_exclude` matches nothing, MP-E502 if the model does not run on a sample.
    """
    judge = _judge(request)
    return tuple(_foretold(request, recipe, judge) for recipe in request.recipes)


def _judge(request: EstimateRequest) -> _Judge | None:
    """None where the model runs on no made-up inputs."""
    session = open_session(request.graph)
    samples = _golden_samples(request)
    if samples:
        return _expecting(request, session, samples, is_real=True)
    try:
        return _expecting(request, session, _made_up_samples(request, session), is_real=False)
    except StepError:
        return None


def _expecting(
    request: EstimateRequest,
    session: ort.InferenceSession,
    samples: tuple[Sample, ...],
    *,
    is_real: bool,
) -> _Judge:
    given = tuple(output.name for output in session.get_outputs())
    names = compared(given, request.outputs, request.state)
    expected = tuple(_expected(session, sample, names, request.state) for sample in samples)
    return _Judge(samples, expected, request, names, is_real)


def _expected(
    session: ort.InferenceSession,
    sample: Sample,
    names: Sequence[str],
    state: Sequence[StatePair],
) -> dict[str, Array]:
    try:
        found = run_sample(session, sample, names, state)
    except _DOES_NOT_RUN as err:
        raise _unfit(sample, f"the original does not run: {first_line(err)}") from err
    for name, array in found.items():
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise _unfit(sample, f"{name} of the original is not finite numbers ({array.dtype})")
    return found


def _unfit(sample: Sample, found: str) -> StepError:
    remedy = "check the samples, or compare other outputs"
    return StepError("MP-E502", found, where=sample.place, remedy=remedy)


def _golden_samples(request: EstimateRequest) -> tuple[Sample, ...]:
    """Of a golden set of one or two samples, none may be left to tune by."""
    return () if request.samples is None else read_samples(request.samples)[:_MOST_SAMPLES]


def _made_up_samples(request: EstimateRequest, session: ort.InferenceSession) -> tuple[Sample, ...]:
    found = working_feeds(session, range(2), dict(request.free_dimensions))
    return tuple(Sample(number, feeds) for number, feeds in enumerate(found))


def _foretold(request: EstimateRequest, recipe: Recipe, judge: _Judge | None) -> Foretold:
    notes = list(_notes(recipe, judge))
    if recipe.shape != "plain":
        simulated = _shaped(request, recipe, judge)
        limit = 1 - (recipe.least_cosine or _DEFAULT_COSINE)
        # A search stops below its limit, how far below depends on its last step; some outputs lose nothing at all.
        loss: tuple[float, float] | None = (0.0, limit if recipe.least_cosine else 2 * limit)
    else:
        simulated = simulate(read_model(request.graph), recipe)
        loss = None if judge is None else _band(_losses(simulated, judge), recipe)
    return Foretold(
        recipe.id, _bytes(request, recipe, simulated), loss, _count(judge), tuple(notes)
    )


def _shaped(request: EstimateRequest, recipe: Recipe, judge: _Judge | None) -> Simulated:
    """The weights on the coarsest grid that keeps the limit, as far as a few halvings of the range find it."""
    least, most = np.log(_STEPS)
    wanted = _FEEDBACK_GAIN * (1 - (recipe.least_cosine or _DEFAULT_COSINE))
    if judge is None:
        return simulate(read_model(request.graph), recipe, float(np.exp((least + most) / 2)))
    for _ in range(_ATTEMPTS):
        middle = (least + most) / 2
        simulated = simulate(read_model(request.graph), recipe, float(np.exp(middle)))
        if float(np.mean(_losses(simulated, judge))) > wanted:
            most = middle
        else:
            least = middle
    if most == np.log(_STEPS[1]):
        return simulate(read_model(request.graph), recipe, _UNTOLD_STEP)
    return simulate(read_model(request.graph), recipe, float(np.exp((least + most) / 2)))


def _losses(simulated: Simulated, judge: _Judge) -> Sequence[float]:
    """1 - the cosine of each sample."""
    with tempfile.TemporaryDirectory(prefix="modelpack-") as folder:
        paths = write_model(simulated.model, Path(folder))
        session = open_session(paths[0])
    losses = []
    for sample, expected in zip(judge.samples, judge.expected, strict=True):
        found = run_sample(session, sample, judge.names, judge.request.state)
        loss = 1 - cosine(Case(expected, found, sample.feeds, sample.label))
        losses.append(1.0 if math.isnan(loss) else max(0.0, loss))  # no number is no likeness
    return losses


def _band(losses: Sequence[float], recipe: Recipe) -> tuple[float, float]:
    mean = float(np.mean(losses))
    error = float(np.std(losses)) / max(len(losses) - 1, 1) ** 0.5
    # Losses have heavy tails: a mean of other samples may be near the worst of these.
    most = max(
        _BAND * mean + 4 * error, 1.5 * max(losses), _LEAST_BAND.get(recipe.params.dtype, 1e-6)
    )
    return max(0.0, mean / _BAND - 4 * error), most


def _bytes(request: EstimateRequest, recipe: Recipe, simulated: Simulated) -> dict[str, int]:
    graph = read_model(request.graph)
    for one in graph.graphs():
        one.initializers.clear()
    nodes = ir.serde.serialize_model(graph).SerializeToString()
    scales = float(simulated.extra_bytes)
    packed = scales * (_EQUAL_SCALES if recipe.shape != "plain" else 0.9)
    names = float(simulated.narrowed * _NODE_BYTES)
    return added(
        (
            encoded_sizes(simulated.integers, integers=True),
            encoded_sizes(simulated.floats, integers=False),
            whole_sizes(nodes),
            {"raw": scales, "gzip": packed, "zstd": packed, "br": packed * 0.97},
            {"raw": names, "gzip": names / 6, "zstd": names / 6, "br": names / 7},
        )
    )


def _count(judge: _Judge | None) -> int:
    return 0 if judge is None else len(judge.samples)


def _notes(recipe: Recipe, judge: _Judge | None) -> Sequence[str]:
    notes = []
    if judge is None:
        notes.append("the model runs on no made-up inputs: a golden set would tell what is lost")
    elif not judge.is_real and judge.request.samples is not None:
        notes.append(
            "what is lost is foretold on made-up inputs: so few samples are all needed to fit and to judge by"
        )
    elif not judge.is_real:
        notes.append(
            "what is lost is foretold on made-up inputs; a golden set tells it of real ones"
        )
    if recipe.shape != "plain" and recipe.least_cosine is None:
        notes.append("no limit of a cosine says how coarse its weights may be: 0.999 is taken")
    return notes
