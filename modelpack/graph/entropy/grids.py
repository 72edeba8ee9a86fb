"""Weights on their grids: the integers, their steps, and what a bias must make up for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from msgspec import Struct, structs

from modelpack.graph.entropy.corrections import mean_shift
from modelpack.graph.entropy.curvature import Curvature
from modelpack.graph.entropy.frequency import row_factors
from modelpack.graph.entropy.grid import Basis, Grid
from modelpack.graph.entropy.matrices import has_matrices, stack, unstack
from modelpack.graph.entropy.moments import Doubles, Moments
from modelpack.graph.entropy.rotation import find_basis, rotated
from modelpack.graph.entropy.rounding import (
    Factor,
    Rounded,
    feedback_factor,
    nearest,
    round_stack,
    widened,
)
from modelpack.graph.entropy.two_sided import (
    INPUT_DAMPING,
    OUTPUT_DAMPING,
    Side,
    find_side,
    output_factors,
    round_both,
    round_rows,
)
from modelpack.graph.parallel import in_order
from modelpack.graph.recipes.int8 import along
from modelpack.graph.recipes.weights import Floats, Weight
from modelpack.units import MIB

_STACK_BYTES = 256 * MIB  # of factors in one stack, of which tries need a copy


class Seen(Struct, frozen=True):
    """What samples showed of a model, by the name of the weight."""

    moments: Mapping[str, Moments]
    curvature: Mapping[str, Curvature]

    def without_matrices(self) -> Seen:
        """What is left when factors have taken the place of the matrices."""
        nothing: Doubles = np.zeros((0, 0))
        return Seen(
            {name: structs.replace(each, blocks=()) for name, each in self.moments.items()},
            {
                name: Curvature(nothing, nothing, each.activations)
                for name, each in self.curvature.items()
            },
        )


class Rounder:
    """Puts weights on grids, for as many steps as are tried. What does not follow from the steps is found once.

    1. Products of known curvature: feedback along both axes, each output on its own step.
    2. Other products and filters whose inputs were seen: feedback along the inputs.
    3. Rows that are looked up: rare rows on wider steps; if the curvature is known, the table is rotated where that pays,
       and else rounded with feedback along each row.
    4. Everything else: rounded plainly.
    """

    def __init__(self, weights: Sequence[Weight], seen: Seen) -> None:
        """The matrices in `seen` are not held: factors take their place."""
        both = [each for each in weights if has_matrices(each) and each.name in seen.curvature]
        self._stacks = [part for same in _of_one_shape(both) for part in _parts(same, seen)]
        stacked = {weight.name for weight in both}
        self._others = [_single(each, seen) for each in weights if each.name not in stacked]

    def grids(self, steps: Mapping[str, float]) -> dict[str, Grid]:
        """Each weight on a grid of its step."""
        grids: dict[str, Grid] = {}
        for found in in_order(lambda part: part.grids(steps), [*self._stacks, *self._others]):
            grids.update(found)
        return grids


def make_grids(
    weights: Sequence[Weight], steps: Mapping[str, float], seen: Seen
) -> dict[str, Grid]:
    """Each weight on a grid of its step: a `Rounder` of one use."""
    return Rounder(weights, seen).grids(steps)


class _Part(Protocol):
    """Some of the weights."""

    def grids(self, steps: Mapping[str, float]) -> dict[str, Grid]: ...


class _Stack(Struct, frozen=True):
    """Weights of one shape. Case 1."""

    weights: tuple[Weight, ...]
    inputs: Side
    outputs: Side
    means: tuple[Doubles, ...]

    def grids(self, steps: Mapping[str, float]) -> dict[str, Grid]:
        stacked = np.concatenate([stack(weight) for weight in self.weights])
        base = np.array([steps[weight.name] for weight in self.weights], np.float32)
        wanted = base[:, None] * output_factors(self.outputs)
        widths = widened(np.abs(stacked).max(axis=1), wanted)
        integers = round_both(stacked, widths, self.inputs, self.outputs)
        return {
            weight.name: _corrected(weight, Rounded(integers[at, None], widths[at, None]), mean)
            for at, (weight, mean) in enumerate(zip(self.weights, self.means, strict=True))
        }


class _FedBack(Struct, frozen=True):
    """A product or filter. Case 2."""

    weight: Weight
    factors: tuple[Factor, ...]
    mean: Doubles

    def grids(self, steps: Mapping[str, float]) -> dict[str, Grid]:
        rounded = round_stack(stack(self.weight), steps[self.weight.name], self.factors)
        return {self.weight.name: _corrected(self.weight, rounded, self.mean)}


class _RotatedRows(Struct, frozen=True):
    """A table whose `numbers` are those of its rows in a basis. Case 3."""

    name: str
    basis: Basis
    numbers: Floats
    factors: Floats

    def grids(self, steps: Mapping[str, float]) -> dict[str, Grid]:
        widths = _widths(self.numbers, steps[self.name] * self.factors)
        integers = nearest(self.numbers / widths[:, None]).astype(np.int8)
        return {self.name: Grid(integers, widths, basis=self.basis)}


class _FedBackRows(Struct, frozen=True):
    """A table with feedback along each row. Case 3."""

    weight: Weight
    columns: Side
    factors: Floats

    def grids(self, steps: Mapping[str, float]) -> dict[str, Grid]:
        table, name = self.weight.array(), self.weight.name
        widths = _widths(table, steps[name] * self.factors)
        return {name: Grid(round_rows(table / widths[:, None], self.columns), widths)}


class _Plain(Struct, frozen=True):
    """A weight without feedback, each channel on a step of its own. Cases 3 and 4."""

    weight: Weight
    factors: Floats

    def grids(self, steps: Mapping[str, float]) -> dict[str, Grid]:
        array, axis, name = self.weight.array(), self.weight.axis, self.weight.name
        channels = np.moveaxis(array, axis, 0).reshape(len(self.factors), -1)
        widths = _widths(channels, steps[name] * self.factors)
        integers = nearest(array / along(widths, axis, array.ndim)).astype(np.int8)
        return {name: Grid(integers, widths)}


def _of_one_shape(weights: Sequence[Weight]) -> list[list[Weight]]:
    """The weights in lists of one shape, none so long that its factors would take more than _STACK_BYTES."""
    lists: dict[tuple[int, ...], list[list[Weight]]] = {}
    for weight in weights:
        shape = stack(weight).shape[1:]
        most = max(1, _STACK_BYTES // (4 * (shape[0] ** 2 + shape[1] ** 2)))
        same = lists.setdefault(shape, [[]])
        if len(same[-1]) == most:
            same.append([])
        same[-1].append(weight)
    return [each for same in lists.values() for each in same]


def _parts(weights: Sequence[Weight], seen: Seen) -> Iterator[_Stack]:
    """Two halves of weights of one shape, so that two cores have something to do."""
    middle = (len(weights) + 1) // 2
    for half in (weights[:middle], weights[middle:]):
        if half:
            curvature = [seen.curvature[weight.name] for weight in half]
            yield _Stack(
                tuple(half),
                find_side([each.inputs for each in curvature], INPUT_DAMPING),
                find_side([each.outputs for each in curvature], OUTPUT_DAMPING),
                tuple(seen.moments[weight.name].mean for weight in half),
            )


def _single(weight: Weight, seen: Seen) -> _Part:
    moments = seen.moments.get(weight.name)
    if has_matrices(weight) and moments is not None:
        return _FedBack(weight, tuple(map(feedback_factor, moments.blocks)), moments.mean)
    if weight.kind == "rows" and moments is not None:
        return _rows(weight, moments, seen.curvature.get(weight.name))
    return _Plain(weight, np.ones(weight.shape[weight.axis], np.float32))


def _rows(weight: Weight, moments: Moments, curvature: Curvature | None) -> _Part:
    table = weight.array()
    factors = row_factors(moments.counts, np.linalg.norm(table, axis=1))
    if curvature is None:
        return _Plain(weight, factors)
    basis = find_basis(table, factors, curvature.outputs)
    if basis is None:
        return _FedBackRows(weight, find_side([curvature.outputs], OUTPUT_DAMPING), factors)
    return _RotatedRows(weight.name, basis, rotated(table, basis), factors)


def _corrected(weight: Weight, rounded: Rounded, mean: Doubles) -> Grid:
    shift = mean_shift(weight, rounded, mean)
    return Grid(unstack(weight, rounded.integers), rounded.steps.reshape(-1), shift)


def _widths(channels: Floats, wanted: Floats) -> Floats:
    """The steps of channels [channels, numbers], where int8 holds them on the wanted ones."""
    return widened(np.abs(channels).max(axis=1), wanted)
