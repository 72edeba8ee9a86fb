"""Samples from a file of arrays: one array for each input, samples along the first axis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from modelpack.errors import StepError
from modelpack.graph.golden.arrays import ArrayFile
from modelpack.graph.golden.fitting import check_names, describe
from modelpack.graph.golden.safetensors import TensorFile
from modelpack.graph.golden.samples import Sample
from modelpack.graph.golden.state import fed_inputs
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts
from modelpack.spec.golden import StatePair


class _Arrays(Protocol):
    @property
    def names(self) -> tuple[str, ...]: ...
    def read(self, name: str) -> Array: ...


def read_tensors(
    path: Path, inputs: Sequence[ValueFacts], state: Sequence[StatePair] = ()
) -> tuple[Sample, ...]:
    """The samples in a .npz or .safetensors file.

    1. An array with one axis more than the input has: sample i is `array[i]`.
    2. An array with the input's axes: its first axis counts both, and sample i is `array[i:i+1]`, a batch of one.
    3. Where the model carries `state`, an array with two axes more: sample i is `array[i]`, and its first axis counts the
       steps of the sample. Inputs that carry state may be left out; the first step then gets zeros.

    Raises: StepError MP-E501 if the file cannot be read, MP-E502 if arrays and inputs do not match.
    """
    kind = TensorFile if path.suffix == ".safetensors" else ArrayFile
    with kind.open(path) as file:
        arrays = _read_all(file)
    needed = fed_inputs(inputs, state)
    given = tuple(value for value in inputs if value in needed or value.name in arrays)
    check_names(given, arrays, path.name)
    most_axes_more = 2 if state else 1
    count = _count(given, arrays, path.name, most_axes_more)
    stepped = frozenset(
        value.name for value in given if arrays[value.name].ndim == len(value.shape) + 2
    )
    return tuple(
        Sample(
            index,
            {value.name: _at(arrays[value.name], index, value) for value in given},
            stepped=stepped,
        )
        for index in range(count)
    )


def _read_all(file: _Arrays) -> dict[str, Array]:
    return {name: file.read(name) for name in file.names}


def _at(array: Array, index: int, value: ValueFacts) -> Array:
    return array[index : index + 1] if array.ndim == len(value.shape) else array[index, ...]


def _count(
    inputs: Sequence[ValueFacts], arrays: Mapping[str, Array], where: str, most_axes_more: int
) -> int:
    for value in inputs:
        array, rank = arrays[value.name], len(value.shape)
        if not rank <= array.ndim <= rank + most_axes_more or array.ndim == 0:
            axes = f"{rank} or {rank + 1} axes" if rank else "1 axis"
            steps = f", or {rank + 2} with steps" if most_axes_more > 1 else ""
            raise StepError(
                "MP-E502",
                f"expected {describe(value)} for each sample, so {axes}{steps}; "
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
