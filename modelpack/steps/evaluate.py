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

from modelpack.errors import StepError
from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import first_line
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.metrics.case import Case, Outputs
from modelpack.graph.metrics.measured import (
    REMEDY,
    evaluate_cases,
    measures_elsewhere,
    measures_of,
)
from modelpack.graph.parallel import in_order
from modelpack.graph.running import compared, run_sample
from modelpack.graph.sessions import open_session
from modelpack.planned import EvaluateParams
from modelpack.record import EvaluatedSamples, Measurement
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
    measures = measures_of(step.params, step.many("metric"))
    evaluated = evaluate_cases(measures, samples, _cases(step, samples))
    for path in step.many("other"):
        evaluated = _with_other(step, evaluated, read_samples(path))
    path = step.folder / "evaluation.json"
    path.write_bytes(msgspec.json.encode(evaluated))
    return StepOutput(
        (OutputFile("evaluation", path),),
        tuple(Measurement(metric.metric, metric.value) for metric in evaluated.metrics),
    )


def _with_other(
    step: StepInput[EvaluateParams], evaluated: EvaluatedSamples, samples: Sequence[Sample]
) -> EvaluatedSamples:
    """With figures of another domain, whose split is by content too: none of them can have shaped the variant."""
    if not samples:
        where = "golden.other"
        raise StepError(
            "MP-E501", "no sample is left to judge by", where=where, remedy="give more samples"
        )
    found = evaluate_cases(measures_elsewhere(step.params), samples, _cases(step, samples))
    return msgspec.structs.replace(evaluated, other=found.metrics)


def _cases(step: StepInput[EvaluateParams], samples: Sequence[Sample]) -> Iterator[Case]:
    """Each sample, run through the original and the variant."""
    original = _opened(step.one("reference"), "MP-E502")
    variant = _opened(step.one("model"), "MP-E451")
    names = _compared(step.params, original, variant)

    def case(sample: Sample) -> Case:
        expected = _ran(step.params, original, sample, names, code="MP-E502")
        found = _ran(step.params, variant, sample, names, code="MP-E451")
        _check_shapes(expected, found, sample)
        return Case(expected, found, sample.feeds, sample.label)

    yield from in_order(case, samples)


def _compared(
    params: EvaluateParams, original: ort.InferenceSession, variant: ort.InferenceSession
) -> tuple[str, ...]:
    """The outputs that are compared. State is not: a page never reads it, and later outputs follow from it."""
    given = tuple(output.name for output in variant.get_outputs())
    names = compared(given, params.outputs, params.state)
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
        return REMEDY
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
