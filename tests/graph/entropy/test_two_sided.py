from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from modelpack.graph.entropy.rounding import feedback_factor, nearest, round_stack
from modelpack.graph.entropy.two_sided import (
    INPUT_DAMPING,
    OUTPUT_DAMPING,
    Side,
    find_side,
    output_factors,
    round_both,
    round_rows,
)
from tests.support.recipes import floats

Doubles = NDArray[np.float64]


def metric(seed: int, size: int) -> Doubles:
    """A metric in which a third of the directions matter most: float64 [1, size, size]."""
    root = floats(seed, size, size // 3).astype(np.float64)
    return (root @ root.T + 0.05 * np.eye(size))[None]


def sides(inputs: Doubles, outputs: Doubles) -> tuple[Side, Side]:
    return find_side(list(inputs), INPUT_DAMPING), find_side(list(outputs), OUTPUT_DAMPING)


def one_by_one(
    weights: NDArray[np.float32], steps: NDArray[np.float32], inputs: Doubles, outputs: Doubles
) -> list[list[int]]:
    """The same rounding as written in a book: number after number."""
    rows, upper = feedback_factor(inputs, INPUT_DAMPING)
    columns, across = feedback_factor(outputs, OUTPUT_DAMPING)
    left = weights[0][rows[0]][:, columns[0]].astype(np.float64)
    width = steps[0][columns[0]].astype(np.float64)
    integers = np.zeros(left.shape, np.int8)
    for row in range(left.shape[0]):
        wanted = left[row].copy()
        for column in range(left.shape[1]):
            chosen = nearest(np.array(wanted[column] / width[column], np.float32)[None])[0]
            integers[row, column] = chosen
            rest = (wanted[column] - chosen * width[column]) / across[0, column, column]
            wanted[column + 1 :] -= across[0, column, column + 1 :] * rest
        error = (left[row] - integers[row] * width) / upper[0, row, row]
        left[row + 1 :] -= np.outer(upper[0, row, row + 1 :], error)
    placed = np.zeros_like(integers)
    placed[np.ix_(rows[0], columns[0])] = integers
    return [[int(each) for each in row] for row in placed]


@pytest.mark.parametrize(("height", "width"), [(5, 3), (40, 70), (33, 32)])
def test_round_both_gives_the_integers_of_one_after_the_other(height: int, width: int) -> None:
    weights = floats(0, 1, height, width)
    steps = np.linspace(0.3, 0.6, width, dtype=np.float32)[None]
    inputs, outputs = metric(1, height), metric(2, width)
    expected = one_by_one(weights, steps, inputs, outputs)
    assert round_both(weights, steps, *sides(inputs, outputs))[0].tolist() == expected


def test_round_both_loses_less_than_feedback_along_inputs_alone() -> None:
    weights, steps = floats(0, 1, 48, 48), np.full((1, 48), 0.5, np.float32)
    inputs, outputs = metric(1, 48), metric(2, 48)

    def error(integers: NDArray[np.int8]) -> float:
        lost = weights[0] - integers[0] * 0.5
        return float(np.trace(outputs[0] @ lost.T @ inputs[0] @ lost))

    one_sided = error(round_stack(weights, 0.5, (feedback_factor(inputs),)).integers)
    assert error(round_both(weights, steps, *sides(inputs, outputs))) < 0.8 * one_sided


def test_round_both_stacked_weights_are_rounded_apart() -> None:
    weights, steps = floats(0, 2, 20, 12), np.full((2, 12), 0.4, np.float32)
    inputs = np.concatenate([metric(1, 20), metric(2, 20)])
    outputs = np.concatenate([metric(3, 12), metric(4, 12)])
    apart = [
        round_both(
            weights[i : i + 1], steps[i : i + 1], *sides(inputs[i : i + 1], outputs[i : i + 1])
        )[0]
        for i in (0, 1)
    ]
    assert np.array_equal(round_both(weights, steps, *sides(inputs, outputs)), np.stack(apart))


def test_round_rows_makes_up_along_each_row() -> None:
    numbers, outputs = floats(0, 30, 48), metric(1, 48)[0]
    lost = numbers - round_rows(numbers, find_side([outputs], OUTPUT_DAMPING))
    plain = numbers - nearest(numbers)
    assert np.einsum("rn,nm,rm", lost, outputs, lost) < 0.8 * np.einsum(
        "rn,nm,rm", plain, outputs, plain
    )


def test_round_rows_of_an_even_metric_rounds_plainly() -> None:
    numbers = floats(0, 6, 70) * 3
    assert np.array_equal(
        round_rows(numbers, find_side([np.eye(70)], OUTPUT_DAMPING)), nearest(numbers)
    )


def test_output_factors_outputs_that_matter_little_get_wide_steps() -> None:
    outputs = np.diag([16.0, 1.0, 1.0, 1.0 / 16])[None]
    factors = output_factors(find_side(list(outputs), OUTPUT_DAMPING))[0]
    assert factors[0] < factors[1] == factors[2] < factors[3]
    assert np.allclose(np.log2(factors) * 4, np.rint(np.log2(factors) * 4))
