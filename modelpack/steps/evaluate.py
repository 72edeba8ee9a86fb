"""The step `evaluate`: how one variant compares with the fp32 original on the judge samples.

It is given the judge samples and no others, so that no figure can come from samples that shaped the variant. A figure of
all samples is the mean over samples of `graph.metrics`, but for `max_abs_error`, where it is the largest.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnxruntime as ort

from modelpack.errors import StepError
from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import Feeds, first_line
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.metrics import METRICS, Outputs
from modelpack.graph.sessions import open_session, run_session
from modelpack.record import Evaluation, Measurement, MetricValue
from modelpack.spec import EvaluateParams, Metric
from modelpack.steps.contract import OutputFile, StepInput, StepOutput

_DOES_NOT_RUN: tuple[type[Exception], ...] = (*ONNXRUNTIME_ERRORS, ValueError)


def run(step: StepInput[EvaluateParams]) -> StepOutput:
    """`evaluation.json`: every metric over the judge samples, with the worst sample of each.

    Raises: StepError MP-E451 if the variant does not load, does not run, or gives what the original does not,
    MP-E502 if the original itself does not run on a sample or gives NaN.
    """
    samples = read_samples(step.one("judge"))
    if not samples:
        raise StepError("MP-E501", "no sample is left to judge by", remedy="give more samples")
    rows = [[compare(*pair) for compare in METRICS.values()] for pair in _outputs(step, samples)]
    columns = zip(*rows, strict=True)
    metrics = tuple(
        _metric(metric, samples, column) for metric, column in zip(METRICS, columns, strict=True)
    )
    path = step.folder / "evaluation.json"
    path.write_bytes(msgspec.json.encode(Evaluation(len(samples), metrics)))
    return StepOutput(
        (OutputFile("evaluation", path),),
        tuple(Measurement(metric.metric, metric.value) for metric in metrics),
    )


def _outputs(
    step: StepInput[EvaluateParams], samples: Sequence[Sample]
) -> Iterator[tuple[Outputs, Outputs]]:
    """For each sample, the compared outputs of the original and of the variant."""
    original = _opened(step.one("reference"), "MP-E502")
    variant = _opened(step.one("model"), "MP-E451")
    names = step.params.outputs or tuple(output.name for output in variant.get_outputs())
    for sample in samples:
        expected = _ran(original, sample, names, "MP-E502")
        found = _ran(variant, sample, names, "MP-E451")
        _check_shapes(expected, found, sample)
        yield expected, found


def _opened(path: Path, code: str) -> ort.InferenceSession:
    try:
        return open_session(path)
    except ONNXRUNTIME_ERRORS as err:
        raise StepError(
            code,
            f"onnxruntime does not load the {_which(code)}: {first_line(err)}",
            remedy=_remedy(code),
        ) from err


def _ran(session: ort.InferenceSession, sample: Sample, names: Sequence[str], code: str) -> Outputs:
    where = f"sample {sample.position}"
    try:
        outputs = run_session(session, _taken(session, sample), names)
    except _DOES_NOT_RUN as err:
        raise StepError(
            code,
            f"the {_which(code)} does not run: {first_line(err)}",
            where=where,
            remedy=_remedy(code),
        ) from err
    for name, array in outputs.items():
        if array.dtype.kind not in "biuf" or not np.isfinite(array).all():
            raise StepError(
                code,
                f"{name} of the {_which(code)} is not finite numbers ({array.dtype.name})",
                where=where,
                remedy=_remedy(code),
            )
    return outputs


def _taken(session: ort.InferenceSession, sample: Sample) -> Feeds:
    """What the session takes of the sample: a variant of few outputs may need fewer inputs than the original."""
    names = {value.name for value in session.get_inputs()}
    return {name: array for name, array in sample.feeds.items() if name in names}


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
                where=f"sample {sample.position}",
                remedy="remove this variant",
            )


def _metric(metric: Metric, samples: Sequence[Sample], values: Sequence[float]) -> MetricValue:
    is_error = metric == "max_abs_error"
    worst = int(np.argmax(values) if is_error else np.argmin(values))
    value = max(values) if is_error else sum(values) / len(values)
    if not np.isfinite(value):
        raise StepError(
            "MP-E451",
            f"{metric} is {value}",
            where=f"sample {samples[worst].position}",
            remedy=_remedy("MP-E451"),
        )
    return MetricValue(metric, value, samples[worst].position, values[worst])
