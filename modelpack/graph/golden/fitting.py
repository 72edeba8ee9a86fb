"""Whether a sample fits a model's inputs, with expected and found side by side where it does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts


def check_sample(inputs: Sequence[ValueFacts], sample: Sample, where: str) -> None:
    """Nothing, if the sample fits.

    Raises: StepError MP-E502 if a type, rank or fixed size differs, if dimensions of one name or numbers of steps differ,
    or if a number is not finite.
    """
    place = f"{where} {sample.place}"
    sizes: dict[str, tuple[int, str]] = {}
    _check_steps(sample, place)
    for value in inputs:
        array = sample.feeds[value.name]
        if value.name in sample.stepped:
            array = array[0, ...]  # all steps have the same form
        _check_form(value, array, place)
        _check_dimensions(value, array, sizes, place)
        if array.dtype.kind == "f" and not np.isfinite(sample.feeds[value.name]).all():
            raise _does_not_fit(
                f"{value.name} holds NaN or infinity", place, "remove or mend the sample"
            )


def with_sizes(
    inputs: Sequence[ValueFacts], free_dimensions: Sequence[tuple[str, int]]
) -> tuple[ValueFacts, ...]:
    """The inputs with the named dimensions fixed."""
    sizes = dict(free_dimensions)
    return tuple(
        ValueFacts(
            value.name,
            value.dtype,
            tuple(sizes.get(size, size) if isinstance(size, str) else size for size in value.shape),
        )
        for value in inputs
    )


def describe(value: ValueFacts) -> str:
    """The input as errors show it: `input_ids int64 [batch, 128]`."""
    sizes = ", ".join("?" if size is None else str(size) for size in value.shape)
    return f"{value.name} {value.dtype} [{sizes}]"


def check_names(inputs: Sequence[ValueFacts], found: Mapping[str, object], where: str) -> None:
    """Nothing, if every input has an array and every array an input. Raises: StepError MP-E502 otherwise."""
    expected = {value.name for value in inputs}
    if set(found) != expected:
        raise StepError(
            "MP-E502",
            f"expected arrays {', '.join(sorted(expected))}; found {', '.join(sorted(found)) or 'none'}",
            where=where,
            remedy="name the arrays after the model's inputs, one for each",
        )


def _check_steps(sample: Sample, place: str) -> None:
    counts = {name: len(sample.feeds[name]) for name in sorted(sample.stepped)}
    if len(set(counts.values())) > 1 or 0 in counts.values():
        found = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise _does_not_fit(
            f"found steps: {found}; expected the same number, at least one",
            place,
            "give each input that changes from step to step as many steps",
        )


def _check_form(value: ValueFacts, array: Array, place: str) -> None:
    if array.dtype.name != value.dtype or array.ndim != len(value.shape):
        raise _does_not_fit(_compared(value, array), place, f"convert it to {describe(value)}")


def _check_dimensions(
    value: ValueFacts, array: Array, sizes: dict[str, tuple[int, str]], place: str
) -> None:
    for expected, found in zip(value.shape, array.shape, strict=True):
        if isinstance(expected, int) and expected != found:
            raise _does_not_fit(_compared(value, array), place, f"give it {describe(value)}")
        if isinstance(expected, str):
            size, name = sizes.setdefault(expected, (found, value.name))
            if size != found:
                raise _does_not_fit(
                    f'dimension "{expected}" is {size} in {name} and {found} in {value.name}',
                    place,
                    "inputs that share a dimension need one size for it",
                )


def _compared(value: ValueFacts, array: Array) -> str:
    return f"expected {describe(value)}, found {array.dtype.name} {list(array.shape)}"


def _does_not_fit(message: str, place: str, remedy: str) -> StepError:
    return StepError("MP-E502", message, where=place, remedy=remedy)
