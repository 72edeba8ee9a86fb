"""Metrics of a whole golden set: which are measured, and how what was observed of its samples becomes one figure each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample
from modelpack.graph.metrics.bootstrap import mean_interval, total_interval
from modelpack.graph.metrics.case import Case, Floats
from modelpack.graph.metrics.functions import load_function
from modelpack.graph.metrics.table import ALWAYS, MEASURES, Measure
from modelpack.planned import EvaluateParams
from modelpack.record import EvaluatedSamples, MetricValue, SampleFigures
from modelpack.spec.limits import Metric

REMEDY = "exclude the node (nodes_to_exclude), or remove this variant"


def measures_of(params: EvaluateParams, files: Sequence[Path]) -> dict[str, Measure]:
    """The metrics that are always measured, those with a limit, and the project's own, whose `files` are in order."""
    asked: tuple[Metric, ...] = tuple(MEASURES)
    wanted = {*ALWAYS, *params.metrics}
    measures: dict[str, Measure] = {name: MEASURES[name] for name in asked if name in wanted}
    for (name, function), path in zip(params.functions, files, strict=True):
        measures[name] = load_function(path, name, function)
    return measures


def measures_elsewhere(params: EvaluateParams) -> dict[str, Measure]:
    """The metrics that are measured in another domain: those with a limit that need no truth, else the cosine."""
    limited: dict[str, Measure] = {
        name: measure
        for name, measure in MEASURES.items()
        if name in params.metrics and not measure.needs_truth
    }
    return limited or {"cosine": MEASURES["cosine"]}


def evaluate_cases(
    measures: dict[str, Measure], samples: Sequence[Sample], cases: Iterator[Case]
) -> EvaluatedSamples:
    """Every metric over the cases, one for each sample, and the figures of each sample.

    Raises: StepError MP-E451 if a figure is not a number, MP-E503 to MP-E505 if a metric cannot be measured.
    """
    observed: dict[str, list[Floats]] = {name: [] for name in measures}
    for sample, case in zip(samples, cases, strict=True):
        for name, measure in measures.items():
            observed[name].append(_observed(measure, case, sample))
    found = [
        _Measured(name, measure, observed[name], measure.figures(observed[name]))
        for name, measure in measures.items()
    ]
    metrics = tuple(_metric(one, samples) for one in found)
    return EvaluatedSamples(len(samples), metrics, tuple(_rows(samples, found)))


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
            remedy=REMEDY,
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
