"""Samples from a folder into one .npz file, as `golden.samples` takes it. Not a step of builds: `golden record` calls it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from modelpack.errors import StepError
from modelpack.graph.golden.files import FolderFile, read_files
from modelpack.graph.golden.fitting import check_sample, with_sizes
from modelpack.graph.golden.preprocessor import read_preprocessor
from modelpack.graph.golden.recorded import read_recorded
from modelpack.graph.golden.samples import Sample, write_arrays
from modelpack.graph.golden.state import fed_inputs
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts
from modelpack.spec.golden import ImageLayout
from modelpack.steps.recording import Recording


def record(recording: Recording) -> int:
    """The number of samples that were written to `destination`.

    Raises: StepError MP-E501 or MP-E502 if a file is no sample of the model, MP-E501 if samples differ in shape.
    """
    params = recording.params
    inputs = with_sizes(recording.facts.inputs, params.free_dimensions)
    fed = fed_inputs(inputs, params.state)
    samples = _read(recording, inputs, fed)
    for sample in samples:
        check_sample(fed, sample, recording.folder.name)
    arrays = {value.name: _stacked(value, samples) for value in fed}
    write_arrays(recording.destination, arrays)
    return len(samples)


def _read(
    recording: Recording, inputs: Sequence[ValueFacts], fed: Sequence[ValueFacts]
) -> tuple[Sample, ...]:
    files = [FolderFile(recording.folder / name, name) for name in recording.names]
    layout = recording.params.preprocess
    if layout is None:
        return read_recorded(files, fed)
    if recording.preprocessor is not None and isinstance(layout, ImageLayout):
        layout = read_preprocessor(recording.preprocessor, layout)
    return read_files(files, inputs, layout, recording.params.state)


def _stacked(value: ValueFacts, samples: Sequence[Sample]) -> Array:
    shapes = {sample.feeds[value.name].shape: sample.name for sample in samples}
    if len(shapes) > 1:
        found = ", ".join(f"{list(shape)} ({name})" for shape, name in list(shapes.items())[:2])
        raise StepError(
            "MP-E501",
            f"{value.name} differs in shape: {found}",
            remedy="use the folder itself as golden.samples, or samples of one size",
        )
    return np.stack([sample.feeds[value.name] for sample in samples])
