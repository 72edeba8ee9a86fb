"""Whether embeddings find the same neighbours."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.metrics.case import Case, Floats, does_not_suit
from modelpack.graph.sessions import Array

NEIGHBOURS = 10
_BLOCK = 512  # rows of the similarity matrix that are held at once


def embeddings(case: Case) -> Floats:
    """The first output of the reference and of the variant as one vector each: [2, dimensions].

    An output [..., tokens, dimensions] with more than one token is the mean over them.
    """
    pair = [_pooled(next(iter(outputs.values()))) for outputs in (case.expected, case.found)]
    return np.stack(pair)


def neighbour_agreement(observed: Sequence[Floats]) -> Floats:
    """For each sample, the share of its ten nearest other samples that are the same for reference and variant.

    Near is what has a large cosine. With fewer than 21 samples, half of the others are looked at.

    Raises: StepError MP-E503 if there are fewer than three samples, or embeddings differ in size.
    """
    if len(observed) < 3:
        raise does_not_suit("retrieval_agreement", f"{len(observed)} samples; expected at least 3")
    if len({pair.shape for pair in observed}) > 1:
        raise does_not_suit("retrieval_agreement", "embeddings of samples differ in size")
    count = min(NEIGHBOURS, (len(observed) - 1) // 2)
    both = np.stack(observed)
    near = [_nearest(both[:, side], count) for side in (0, 1)]
    return np.array(
        [len(np.intersect1d(*pair)) / count for pair in zip(near[0], near[1], strict=True)]
    )


def _pooled(output: Array) -> Floats:
    array = np.atleast_1d(np.asarray(output, np.float64))
    rows = array.reshape(-1, array.shape[-1])
    return np.asarray(rows.mean(axis=0))


def _nearest(vectors: Floats, count: int) -> NDArray[np.intp]:
    """[samples, count] the positions of each one's nearest others; of equally near ones, the first."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    unit = vectors / np.where(lengths > 0, lengths, 1)
    found = []
    for start in range(0, len(unit), _BLOCK):
        similarity = unit[start : start + _BLOCK] @ unit.T
        rows = np.arange(len(similarity))
        similarity[rows, start + rows] = -np.inf
        found.append(np.argsort(-similarity, axis=1, kind="stable")[:, :count])
    return np.concatenate(found)
