"""Metrics against labels: accuracy and F1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelpack.errors import StepError
from modelpack.graph.metrics.case import Case, Floats, classes_of

Pairs = NDArray[np.int64]


def label_pairs(case: Case) -> Floats:
    """(label, predicted class) for each position of the variant's first output: [positions, 2].

    The predicted class is the largest; of an output with one class, 1 where a probability is above a half or a logit above 0.

    Raises: StepError MP-E504 if the sample has no label, or not one for each position.
    """
    if case.label is None:
        raise StepError(
            "MP-E504", "found no label", where="golden.labels", remedy="give each sample a label"
        )
    rows = classes_of(case.found)
    labels = np.asarray(case.label, np.int64).reshape(-1)
    if len(labels) != len(rows):
        raise StepError(
            "MP-E504",
            f"found {len(labels)} labels; expected one for each of the {len(rows)} positions",
            where="golden.labels",
            remedy="give each position of the first output a label",
        )
    return np.stack([labels, _predicted(rows)], axis=1).astype(np.float64)


def correctness(observed: Sequence[Floats]) -> Floats:
    """For each sample, the share of its positions whose label is met."""
    return np.array([np.mean(pairs[:, 0] == pairs[:, 1]) for pairs in observed])


def f1_score(observed: Sequence[Floats]) -> float:
    """The mean over classes of 2 TP / (2 TP + FP + FN), over the positions of all samples (macro F1).

    Classes are those that occur, as a label or predicted.
    """
    pairs = np.concatenate(list(observed)).astype(np.int64)
    present, numbers = np.unique(pairs, return_inverse=True)
    labels, predicted = numbers.reshape(pairs.shape).T
    count = len(present)
    met = np.bincount(labels[labels == predicted], minlength=count)
    either = np.bincount(labels, minlength=count) + np.bincount(predicted, minlength=count)
    return float(np.mean(2 * met / either))


def _predicted(rows: Floats) -> NDArray[np.int64]:
    if rows.shape[-1] > 1:
        return np.asarray(rows.argmax(axis=-1), np.int64)
    are_probabilities = ((rows >= 0) & (rows <= 1)).all()
    return np.asarray(rows[:, 0] > (0.5 if are_probabilities else 0.0), np.int64)
