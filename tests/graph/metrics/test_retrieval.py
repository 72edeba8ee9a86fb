from __future__ import annotations

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.metrics.retrieval import embeddings, neighbour_agreement
from tests.support.cases import case


def angles(*degrees: float) -> list[np.ndarray]:
    radians = np.radians(degrees)
    return [np.array([[np.cos(angle), np.sin(angle)]]) for angle in radians]


def agreement(expected: list[np.ndarray], found: list[np.ndarray]) -> list[float]:
    pairs = [embeddings(case(*pair)) for pair in zip(expected, found, strict=True)]
    return neighbour_agreement(pairs).tolist()


def test_retrieval_agreement_of_the_same_embeddings_is_one() -> None:
    same = angles(0, 10, 90, 100, 180)
    assert agreement(same, same) == [1, 1, 1, 1, 1]


def test_retrieval_agreement_scale_does_not_matter() -> None:
    same = angles(0, 10, 90, 100, 180)
    assert agreement(same, [5 * vector for vector in same]) == [1, 1, 1, 1, 1]


def test_retrieval_agreement_counts_neighbours_that_stay() -> None:
    # Of four samples one neighbour is looked at. The third moves from the fourth to the first two.
    found = agreement(angles(0, 10, 90, 100), angles(0, 10, 11, 100))
    assert found == [1, 0, 0, 1]


def test_embeddings_of_tokens_are_their_mean() -> None:
    pair = embeddings(case([[[1.0, 0], [3.0, 2]]], [[[0.0, 0], [0.0, 4]]]))
    assert pair.tolist() == [[2, 1], [0, 2]]


def test_retrieval_agreement_of_two_samples_fails() -> None:
    with pytest.raises(StepError) as caught:
        agreement(angles(0, 10), angles(0, 10))
    assert caught.value.message == "retrieval_agreement: 2 samples; expected at least 3"


def test_retrieval_agreement_of_other_sizes_fails() -> None:
    sizes = [np.ones((1, 2)), np.ones((1, 3)), np.ones((1, 2))]
    with pytest.raises(StepError, match=r"MP-E503 .* embeddings of samples differ in size"):
        agreement(sizes, sizes)
