"""The step `calibrate`: the ranges of a model's activations on the fit samples, for static quantisation.

It is given the fit samples and no others. Variants that calibrate by the same method share its result.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from modelpack.errors import StepError
from modelpack.graph.entropy.unrolled import unrolled
from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import first_line
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.io import read_model
from modelpack.graph.recipes.calibration import Ranges, calibrate, read_ranges, write_ranges
from modelpack.graph.recipes.opset import at_least
from modelpack.graph.recipes.stored import DEQUANTIZED_OPSET
from modelpack.planned import CalibrateParams
from modelpack.record import Measurement
from modelpack.steps.contract import OutputFile, StepInput, StepOutput

# Ranges settle after about a hundred samples (variants.md); more cost time and widen them by outliers.
MOST_SAMPLES = 256

_NO_RANGES: tuple[type[Exception], ...] = (*ONNXRUNTIME_ERRORS, ValueError)


def run(step: StepInput[CalibrateParams]) -> StepOutput:
    """`ranges.json`: the least and the largest value of each activation, by its name.

    Raises: StepError MP-E501 if there are no fit samples, MP-E502 if the model does not run on them or gives values that
    make no histogram.
    """
    samples = read_samples(step.one("fit"))
    if not samples:
        raise StepError("MP-E501", "no sample is left to calibrate by", remedy="give more samples")
    taken = _taken(unrolled(step.one("model"), samples, step.params.state))
    ranges = _ranges(step, taken)
    path = write_ranges(step.folder / "ranges.json", ranges)
    finite = len(read_ranges(path))
    infinite = len(ranges) - finite
    notes = (f"{infinite} activations are infinite on samples and stay floats",) if infinite else ()
    return StepOutput(
        (OutputFile("ranges", path),),
        (Measurement("ranges", finite), Measurement("samples", len(taken))),
        notes,
    )


def _taken(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
    return samples[:: -(-len(samples) // MOST_SAMPLES)]


def _ranges(step: StepInput[CalibrateParams], samples: tuple[Sample, ...]) -> Ranges:
    model = at_least(read_model(step.one("model")), DEQUANTIZED_OPSET)
    try:
        with tempfile.TemporaryDirectory(dir=step.folder) as scratch:
            return calibrate(model, step.params.method, samples, Path(scratch))
    except _NO_RANGES as err:
        raise StepError(
            "MP-E502",
            f"activations cannot be calibrated by {step.params.method} on the fit samples: {first_line(err)}",
            where="calibrate_method",
            remedy='check the samples, use calibrate_method = "minmax", or activations = "float"',
        ) from err
