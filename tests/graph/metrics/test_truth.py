from __future__ import annotations

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.metrics.truth import correctness, f1_score, label_pairs
from tests.support.cases import case


def observed(*cases: tuple[object, object]) -> list[np.ndarray]:
    return [label_pairs(case([[0.0]], found, label)) for label, found in cases]  # type: ignore[arg-type]


def test_accuracy_is_the_share_of_labels_that_are_met() -> None:
    pairs = observed((1, [[0, 2, 1]]), (2, [[0, 2, 1]]))
    assert correctness(pairs).tolist() == [1, 0]


def test_accuracy_of_positions_counts_within_the_sample() -> None:
    (pair,) = observed(([1, 0], [[[0, 1], [0, 1]]]))
    assert correctness([pair]).tolist() == [0.5]


@pytest.mark.parametrize(
    ("found", "predicted"), [([[0.6]], 1), ([[0.4]], 0), ([[3.0]], 1), ([[-3.0]], 0)]
)
def test_accuracy_of_one_class_is_a_threshold(found: object, predicted: int) -> None:
    (pair,) = observed((1, found))
    assert pair.tolist() == [[1, predicted]]


def test_f1_is_the_mean_over_classes() -> None:
    # Class 0: TP 2, FP 1, FN 0 → 4/5. Class 1: TP 0, FN 1, FP 0 → 0. Class 5: TP 1 → 1.
    wide = np.eye(6)
    pairs = observed((0, wide[[0]]), (0, wide[[0]]), (1, wide[[0]]), (5, wide[[5]]))
    assert f1_score(pairs) == pytest.approx((0.8 + 0 + 1) / 3)


def test_label_pairs_without_label_fails() -> None:
    with pytest.raises(StepError, match=r"MP-E504 golden\.labels: found no label"):
        label_pairs(case([[0, 1]], [[0, 1]]))


def test_label_pairs_of_another_number_fails() -> None:
    with pytest.raises(StepError) as caught:
        label_pairs(case([[0, 1]], [[0, 1]], [1, 1]))
    assert caught.value.message == "found 2 labels; expected one for each of the 1 positions"
