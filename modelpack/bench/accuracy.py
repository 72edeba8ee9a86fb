"""The golden set's outputs in a browser against the native reference. Runs in a worker: it needs onnxruntime.

The same metrics, over the same judge samples, as the step `evaluate` has: what is not the same is the browser's doing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from modelpack.bench.packs import decode_feeds
from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.metrics.case import Case, Outputs
from modelpack.graph.metrics.measured import evaluate_cases, measures_of
from modelpack.graph.running import compared, run_sample
from modelpack.graph.sessions import open_session
from modelpack.planned import EvaluateParams
from modelpack.record import Evaluation
from modelpack.steps.contract import StepInput

_REMEDY = (
    "this browser computes it wrongly: use another dtype or device, and report it with the model"
)


class Judging(Struct, frozen=True):
    """The inputs of the step `evaluate`, and the folder of the outputs that the page sent, numbered as the samples are."""

    step: StepInput[EvaluateParams]
    outputs: Path


def judge_outputs(judging: Judging) -> Evaluation:
    """How the browser's outputs compare with the native reference.

    Raises: StepError MP-E804 if an output is missing, of another shape, or not finite.
    """
    step = judging.step
    samples = read_samples(step.one("judge"))
    measures = measures_of(step.params, step.many("metric"))
    found = evaluate_cases(measures, samples, _cases(judging, samples))
    return Evaluation(found.samples, found.metrics)


def _cases(judging: Judging, samples: Sequence[Sample]) -> Iterator[Case]:
    step = judging.step
    reference = open_session(step.one("reference"))
    for index, sample in enumerate(samples):
        found = _found(judging.outputs / str(index), sample)
        names = compared(tuple(found), step.params.outputs, step.params.state)
        expected = run_sample(reference, sample, names, step.params.state)
        yield Case(expected, _checked(expected, found, sample), sample.feeds, sample.label)


def _found(path: Path, sample: Sample) -> Outputs:
    """What the page sent for the sample; of several steps, stacked."""
    if not path.is_file():
        raise _wrong("the page sent no outputs", sample)
    steps = decode_feeds(path.read_bytes()).steps
    if not sample.stepped:
        return steps[0]
    return {name: np.stack([step[name] for step in steps]) for name in steps[0]}


def _checked(expected: Outputs, found: Outputs, sample: Sample) -> Outputs:
    for name, array in expected.items():
        if name not in found:
            raise _wrong(f"the page gave no {name}", sample)
        if found[name].shape != array.shape:
            shapes = f"{list(found[name].shape)} in the browser, {list(array.shape)} natively"
            raise _wrong(f"{name} is {shapes}", sample)
        if not np.isfinite(found[name]).all():
            raise _wrong(f"{name} is not finite in the browser", sample)
    return {name: found[name] for name in expected}


def _wrong(message: str, sample: Sample) -> StepError:
    return StepError("MP-E804", message, where=sample.place, remedy=_REMEDY)
