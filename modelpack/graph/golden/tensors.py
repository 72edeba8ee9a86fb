"""Samples from an .npz file: one array for each input, samples along the first axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from modelpack.errors import StepError
from modelpack.graph.golden.arrays import ArrayFile
from modelpack.graph.golden.fitting import check_names, describe
from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts


def read_tensors(path: Path, inputs: Sequence[ValueFacts]) -> tuple[Sample, ...]:
    """The samples in the file.

    1. An array with one axis more than the input has: sample i is `array[i]`.
    2. An array with the input's axes: its first axis counts both, and sample i is `array[i:i+1]`, a batch of one.

    Raises: StepError MP-E501 if the file cannot be read, MP-E502 if arrays and inputs do not match.
    """
    with ArrayFile.open(path) as file:
        arrays = {name: file.read(name) for name in file.names}
    check_names(inputs, arrays, path.name)
    count = _count(inputs, arrays, path.name)
    return tuple(
        Sample(index, {value.name: _at(arrays[value.name], index, value) for value in inputs})
        for index in range(count)
    )


def _at(array: Array, index: int, value: ValueFacts) -> Array:
    return array[index : index + 1] if array.ndim == len(value.shape) else array[index, ...]


def _count(inputs: Sequence[ValueFacts], arrays: Mapping[str, Array], where: str) -> int:
    for value in inputs:
        array, rank = arrays[value.name], len(value.shape)
        if array.ndim not in {rank, rank + 1} or array.ndim == 0:
            raise StepError(
                "MP-E502",
                f"expected {describe(value)} for each sample, so {max(rank, 1)} or {rank + 1} axes; "
                f"found {array.dtype.name} {list(array.shape)}",
                where=where,
                remedy="put the samples along the first axis",
            )
    counts = {value.name: len(arrays[value.name]) for value in inputs}
    if len(set(counts.values())) > 1:
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise StepError(
            "MP-E502",
            f"arrays hold different numbers of samples: {found}",
            where=where,
            remedy="give each input the same number of samples",
        )
    return next(iter(counts.values()), 0)
