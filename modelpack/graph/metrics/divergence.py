"""Kullback–Leibler divergence (Kullback and Leibler, "On Information and Sufficiency", 1951)."""

from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.case import Case, classes_of
from modelpack.graph.metrics.distributions import are_probabilities, log_probabilities


def kl_divergence(case: Case) -> float:
    """The mean over positions of the first output [..., classes] of Σ p log(p / q), in nats; p of the reference.

    1. Where every row of the reference's output is a distribution, both outputs are taken as they are.
    2. Otherwise both are logits, and p and q their softmax.
    3. A last axis of one is the probability of one of two classes, or its logit.
    """
    rows = [classes_of(outputs) for outputs in (case.expected, case.found)]
    if not rows[0].size:
        return 0.0
    is_distribution = are_probabilities(rows[0])
    # The variant's may sum to a little more, and must not be taken for logits because of it.
    clipped = np.maximum(rows[1], 0) if is_distribution else rows[1]
    if is_distribution and clipped.shape[-1] == 1:
        clipped = np.minimum(clipped, 1)
    log_p = log_probabilities(rows[0], is_distribution=is_distribution)
    log_q = log_probabilities(clipped, is_distribution=is_distribution)
    return float(np.maximum((np.exp(log_p) * (log_p - log_q)).sum(axis=-1), 0).mean())
