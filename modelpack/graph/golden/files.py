"""Samples from the files of a folder, one sample each."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from modelpack.errors import StepError
from modelpack.graph.golden.arrays import LIMIT_BYTES
from modelpack.graph.golden.fitting import describe
from modelpack.graph.golden.pictures import read_picture
from modelpack.graph.golden.raw import read_raw
from modelpack.graph.golden.recordings import read_recording
from modelpack.graph.golden.samples import Sample
from modelpack.graph.golden.state import fed_inputs
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts
from modelpack.spec.golden import AudioLayout, ImageLayout, Preprocess, RawLayout, StatePair

_REMEDY = "name the inputs that are the same for every file in golden.preprocess.constants"


class FolderFile(Struct, frozen=True):
    """A file, and its path inside the folder."""

    path: Path
    name: str


def read_files(
    files: Sequence[FolderFile],
    inputs: Sequence[ValueFacts],
    layout: Preprocess,
    state: Sequence[StatePair] = (),
) -> tuple[Sample, ...]:
    """One sample for each file. The file gives the one input that is neither constant nor state.

    Raises: StepError MP-E501 if a file cannot be read, MP-E502 if the model takes more than a file and constants give.
    """
    fed = fed_inputs(inputs, state)
    constants = dict(layout.constants)
    value = _input_of_files(fed, constants)
    held = {other.name: _constant(other, constants) for other in fed if other is not value}
    stepped = frozenset({value.name} if isinstance(layout, AudioLayout) and layout.frame else ())
    samples = []
    size_bytes = 0
    for position, file in enumerate(files):
        array = _read(file, value, layout)
        size_bytes += array.nbytes
        if size_bytes > LIMIT_BYTES:
            raise StepError(
                "MP-E501", "more than 1 GiB of inputs", where=file.name, remedy="keep fewer files"
            )
        samples.append(Sample(position, {value.name: array, **held}, file.name, stepped))
    return tuple(samples)


def _read(file: FolderFile, value: ValueFacts, layout: Preprocess) -> Array:
    match layout:
        case ImageLayout():
            return read_picture(file.path, value, layout)
        case AudioLayout():
            return read_recording(file.path, value, layout)
        case RawLayout():
            return read_raw(file.path, value, layout)


def _input_of_files(fed: Sequence[ValueFacts], constants: dict[str, float]) -> ValueFacts:
    unknown = sorted(constants.keys() - {value.name for value in fed})
    if unknown:
        raise StepError(
            "MP-E502",
            f"found constants for {', '.join(unknown)}; the model has {_named(fed)}",
            where="golden.preprocess.constants",
            remedy="name inputs of the model that carry no state",
        )
    rest = [value for value in fed if value.name not in constants]
    if len(rest) != 1:
        raise StepError(
            "MP-E502",
            f"a file gives one input; found {_named(rest)}",
            where="golden.preprocess.constants",
            remedy=_REMEDY,
        )
    return rest[0]


def _constant(value: ValueFacts, constants: dict[str, float]) -> Array:
    shape = [size if isinstance(size, int) else 1 for size in value.shape]
    return np.full(shape, constants[value.name], value.dtype)


def _named(values: Sequence[ValueFacts]) -> str:
    return ", ".join(map(describe, values)) or "none"
