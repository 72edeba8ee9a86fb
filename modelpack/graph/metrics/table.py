"""The table of metrics: what each observes of a sample, and how observations become figures.

1. `observe` sees one case and keeps little of it: outputs of all samples would not fit in memory.
2. `figures` gives one number for each sample, `total` the one that is judged.
3. `worst` is the side on which bad samples are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
from msgspec import Struct

from modelpack.graph.metrics.agreement import top1_agreement, top5_agreement
from modelpack.graph.metrics.boxes import box_iou
from modelpack.graph.metrics.case import Case, Floats
from modelpack.graph.metrics.cosine import cosine
from modelpack.graph.metrics.divergence import kl_divergence
from modelpack.graph.metrics.errors import max_abs_error, mean_abs_error
from modelpack.graph.metrics.retrieval import embeddings, neighbour_agreement
from modelpack.graph.metrics.sqnr import sqnr
from modelpack.graph.metrics.tokens import perplexities, perplexity, surprises, token_agreement
from modelpack.graph.metrics.truth import correctness, f1_score, label_pairs
from modelpack.spec.limits import Metric

Observations = Sequence[Floats]


class Measure(Struct, frozen=True):
    """How one metric is measured. `total` None: the mean of the figures. A largest value has no interval."""

    observe: Callable[[Case], Floats]
    figures: Callable[[Observations], Floats]
    total: Callable[[Observations], float] | None = None
    worst: Literal["least", "most"] = "least"
    has_interval: bool = True
    needs_truth: bool = False


def each(compare: Callable[[Case], float], worst: Literal["least", "most"] = "least") -> Measure:
    """The measure of a metric that compares case by case, and whose total is the mean."""
    return Measure(lambda case: np.array([compare(case)]), _firsts, worst=worst)


def _firsts(observed: Observations) -> Floats:
    return np.array([values[0] for values in observed])


def _largest(observed: Observations) -> float:
    return float(np.max(_firsts(observed)))


MEASURES: dict[Metric, Measure] = {
    "cosine": each(cosine),
    "max_abs_error": Measure(
        lambda case: np.array([max_abs_error(case)]),
        _firsts,
        _largest,
        worst="most",
        has_interval=False,
    ),
    "mean_abs_error": each(mean_abs_error, "most"),
    "sqnr": each(sqnr),
    "kl_divergence": each(kl_divergence, "most"),
    "top1_agreement": each(top1_agreement),
    "top5_agreement": each(top5_agreement),
    "retrieval_agreement": Measure(embeddings, neighbour_agreement),
    "box_iou": each(box_iou),
    "token_agreement": each(token_agreement),
    "perplexity": Measure(surprises, perplexities, perplexity, worst="most"),
    "accuracy": Measure(label_pairs, correctness, needs_truth=True),
    "f1": Measure(label_pairs, correctness, f1_score, needs_truth=True),
}
ALWAYS: tuple[Metric, ...] = ("cosine", "max_abs_error", "top1_agreement")
