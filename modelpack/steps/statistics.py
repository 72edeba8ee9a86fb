"""The step `statistics`: what reaches each weight of a model, and what an error in each costs, on the fit samples.

It is given the fit samples and no others. Variants and targets come later: all of them use what is found out here.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelpack.errors import StepError
from modelpack.graph.entropy.measuring import measure
from modelpack.graph.entropy.statistics import Statistics, write_statistics
from modelpack.graph.entropy.unrolled import unrolled
from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import first_line
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.running import compared
from modelpack.graph.sessions import open_session
from modelpack.planned import StatisticsParams
from modelpack.record import Measurement
from modelpack.steps.contract import OutputFile, StepInput, StepOutput


def run(step: StepInput[StatisticsParams]) -> StepOutput:
    """`statistics.npz`.

    Raises: StepError MP-E501 if there are no fit samples, MP-E502 if the model does not run on them.
    """
    samples = read_samples(step.one("fit"))
    if not samples:
        raise StepError("MP-E501", "no sample is left to fit by", remedy="give more samples")
    try:
        statistics = _measured(step, samples)
    except ONNXRUNTIME_ERRORS as err:
        raise StepError(
            "MP-E502",
            f"the model does not run on the fit samples: {first_line(err)}",
            remedy="check the samples",
        ) from err
    path = write_statistics(step.folder / "statistics.npz", statistics)
    return StepOutput(
        (OutputFile("statistics", path),),
        (
            Measurement("weights", len(statistics.costs)),
            Measurement("watchedWeights", len(statistics.seen.moments)),
            Measurement("weightsWithGradient", len(statistics.seen.curvature)),
        ),
    )


def _measured(step: StepInput[StatisticsParams], samples: Sequence[Sample]) -> Statistics:
    source, params = step.one("model"), step.params
    given = [output.name for output in open_session(source).get_outputs()]
    single = unrolled(source, samples, params.state)
    return measure(source, single, compared(given, params.outputs, params.state))
