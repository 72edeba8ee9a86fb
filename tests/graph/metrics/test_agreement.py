from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.agreement import top1_agreement, top5_agreement
from tests.support.cases import case, outputs


def test_top1_agreement_counts_positions_of_the_first_output() -> None:
    pair = outputs(
        {"y": [[[0, 1], [1, 0], [0, 1], [0, 1]]], "z": [1, 0]},
        {"y": [[[0, 9], [2, 0], [5, 1], [0, 1]]], "z": [0, 1]},
    )
    assert top1_agreement(pair) == 0.75


def test_top1_agreement_scalar_and_empty_outputs_agree() -> None:
    assert top1_agreement(case(1.0, 2.0)) == 1
    assert top1_agreement(case(np.zeros((0, 3)), np.zeros((0, 3)))) == 1


def test_top5_agreement_asks_whether_the_largest_is_among_five() -> None:
    expected = [[9, 0, 0, 0, 0, 0, 0], [9, 0, 0, 0, 0, 0, 0]]
    found = [[2, 6, 5, 4, 3, 1, 0], [1, 6, 5, 4, 3, 2, 0]]
    assert top5_agreement(case(expected, found)) == 0.5


def test_top5_agreement_of_equal_ones_the_earlier_is_larger() -> None:
    expected = np.eye(7)[[4, 5]]
    assert top5_agreement(case(expected, np.zeros((2, 7)))) == 0.5


def test_top5_agreement_of_few_classes_is_one() -> None:
    assert top5_agreement(case([[1, 0]], [[0, 1]])) == 1
    assert top5_agreement(case(np.zeros((0, 3)), np.zeros((0, 3)))) == 1
