"""The step `evaluate`: how one variant compares with the fp32 original (or another reference) on the judge samples.

It is given the judge samples and no others, so that no figure can come from samples that shaped the variant. What is
measured, and how the figures of samples become one, says `graph.metrics.table`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime as ort
from msgspec import Struct

from modelpack.errors import StepError
from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import first_line
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.metrics.bootstrap import mean_interval, total_interval
from modelpack.graph.metrics.case import Case, Floats, Outputs
from modelpack.graph.metrics.functions import load_function
from modelpack.graph.metrics.table import ALWAYS, MEASURES, Measure
from modelpack.graph.running import run_sample
from modelpack.graph.sessions import open_session
from modelpack.record import EvaluatedSamples, Measurement, MetricValue, SampleFigures
from modelpack.spec import EvaluateParams, Metric
from modelpack.steps.contract import OutputFile, StepInput, StepOutput

_DOES_NOT_RUN: tuple[type[Exception], ...] = (*ONNXRUNTIME_ERRORS, ValueError)


def run(step: StepInput[EvaluateParams]) -> StepOutput:
    """`evaluation.json`: every metric over the judge samples, and the figures of each sample.

    Raises: StepError MP-E451 if the variant does not load, does not run, or gives what the original does not,
    MP-E502 if the original itself does not run on a sample or gives NaN, MP-E503 to MP-E505 if a metric cannot be measured.
    """
    samples = read_samples(step.one("judge"))
    if not samples:
        raise StepError("MP-E501", "no sample is left to judge by", remedy="give more samples")
    measures = _measures(step)
    observed: dict[str, list[Floats]] = {name: [] for name in measures}
    for sample, case in zip(samples, _cases(step, samples), strict=True):
        for name, measure in measures.items():
            observed[name].append(_observed(measure, case, sample))
    found = [
        _Measured(name, measure, observed[name], measure.figures(observed[name]))
        for name, measure in measures.items()
    ]
    metrics = tuple(_metric(one, samples) for one in found)
    path = step.folder / "evaluation.json"
    evaluated = EvaluatedSamples(len(samples), metrics, tuple(_rows(samples, found)))
    path.write_bytes(msgspec.json.encode(evaluated))
    return StepOutput(
        (OutputFile("evaluation", path),),
        tuple(Measurement(metric.metric, metric.value) for metric in metrics),
    )


def _measures(step: StepInput[EvaluateParams]) -> dict[str, Measure]:
    """The metrics that are always measured, those with a limit, and the project's own."""
    asked: tuple[Metric, ...] = tuple(MEASURES)
    wanted = {*ALWAYS, *step.params.metrics}
    measures: dict[str, Measure] = {name: MEASURES[name] for name in asked if name in wanted}
    files = zip(step.params.functions, step.many("metric"), strict=True)
    for (name, function), path in files:
        measures[name] = load_function(path, name, function)
    return measures


def _cases(step: StepInput[EvaluateParams], samples: Sequence[Sample]) -> Iterator[Case]:
    """Each sample, run through the original and the variant."""
    original = _opened(step.one("reference"), "MP-E502")
    variant = _opened(step.one("model"), "MP-E451")
    names = _compared(step.params, original, variant)
    for sample in samples:
        expected = _ran(step.params, original, sample, names, code="MP-E502")
        found = _ran(step.params, variant, sample, names, code="MP-E451")
        _check_shapes(expected, found, sample)
        yield Case(expected, found, sample.feeds, sample.label)


def _compared(
    params: EvaluateParams, original: ort.InferenceSession, variant: ort.InferenceSession
) -> tuple[str, ...]:
    """The outputs that are compared. State is not: a page never reads it, and later outputs follow from it."""
    given = params.outputs or tuple(output.name for output in variant.get_outputs())
    carried = {pair.output for pair in params.state}
    names = tuple(name for name in given if name not in carried) or given
    known = [output.name for output in original.get_outputs()]
    for name in names:
        if name not in known:
            raise StepError(
                "MP-E503",
                f"the reference has no output {name}; it has {', '.join(known)}",
                where="golden.reference",
                remedy="compare outputs that both have, by naming them in `outputs`",
            )
    return names


def _opened(path: Path, code: str) -> ort.InferenceSession:
    try:
        return open_session(path)
    except ONNXRUNTIME_ERRORS as err:
        raise StepError(
            code,
            f"onnxruntime does not load the {_which(code)}: {first_line(err)}",
            remedy=_remedy(code),
        ) from err


def _ran(
    params: EvaluateParams,
    session: ort.InferenceSession,
    sample: Sample,
    names: Sequence[str],
    *,
    code: str,
) -> Outputs:
    try:
        outputs = run_sample(session, sample, names, params.state)
    except _DOES_NOT_RUN as err:
        raise StepError(
            code,
            f"the {_which(code)} does not run: {first_line(err)}",
            where=sample.place,
            remedy=_remedy(code),
        ) from err
    for name, array in outputs.items():
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise StepError(
                code,
                f"{name} of the {_which(code)} is not finite numbers ({array.dtype.name})",
                where=sample.place,
                remedy=_remedy(code),
            )
    return outputs


def _which(code: str) -> str:
    return "variant" if code == "MP-E451" else "original"


def _remedy(code: str) -> str:
    if code == "MP-E451":
        return "exclude the node (nodes_to_exclude), or remove this variant"
    return "check the samples, or compare other outputs"


def _check_shapes(expected: Outputs, found: Outputs, sample: Sample) -> None:
    for name, array in expected.items():
        if array.shape != found[name].shape:
            raise StepError(
                "MP-E451",
                f"{name} is {list(array.shape)} in the original, {list(found[name].shape)} in the variant",
                where=sample.place,
                remedy="remove this variant",
            )


def _observed(measure: Measure, case: Case, sample: Sample) -> Floats:
    """What the measure keeps of the case. An error of a metric says which sample it was."""
    try:
        return measure.observe(case)
    except StepError as err:
        where = f"{err.where}, {sample.place}"
        raise StepError(err.code, err.message, where=where, remedy=err.remedy) from err


class _Measured(Struct, frozen=True):
    """One metric over all samples: how it is measured, what was kept of each sample, and each one's figure."""

    name: str
    measure: Measure
    observed: Sequence[Floats]
    figures: Floats


def _metric(found: _Measured, samples: Sequence[Sample]) -> MetricValue:
    figures, measure = found.figures, found.measure
    missing = np.flatnonzero(~np.isfinite(figures))
    if len(missing):
        first = int(missing[0])
        raise StepError(
            "MP-E451",
            f"{found.name} is {figures[first]}",
            where=samples[first].place,
            remedy=_remedy("MP-E451"),
        )
    worst = int(figures.argmax() if measure.worst == "most" else figures.argmin())
    value = float(figures.mean()) if measure.total is None else measure.total(found.observed)
    bounds = _interval(found)
    return MetricValue(found.name, value, samples[worst].position, float(figures[worst]), *bounds)


def _interval(found: _Measured) -> tuple[float, float] | tuple[()]:
    if not found.measure.has_interval:
        return ()
    if found.measure.total is None:
        return mean_interval(found.figures)
    return total_interval(found.observed, found.measure.total)


def _rows(samples: Sequence[Sample], found: Sequence[_Measured]) -> Iterator[SampleFigures]:
    for row, sample in enumerate(samples):
        values = tuple(float(one.figures[row]) for one in found)
        yield SampleFigures(sample.position, sample.name, values)
