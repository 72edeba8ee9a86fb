"""Metrics as columns: a short heading, and the figure as people read it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

from modelpack.record import Evaluation
from modelpack.report.words import one_line

ABSENT = "–"
_FUNCTION = "python:"
_OTHER = "other:"  # of another domain's samples


def metrics_of(evaluations: Iterable[Evaluation | None]) -> tuple[str, ...]:
    """The metrics that any of them has: modelpack's own in a fixed order, those of the project, those of another domain."""
    known = [evaluation for evaluation in evaluations if evaluation is not None]
    present = {metric.metric: None for found in known for metric in found.metrics}
    own = tuple(name for name in _HEADINGS if name in present)
    elsewhere = {f"{_OTHER}{metric.metric}": None for found in known for metric in found.other}
    return (*own, *(name for name in present if name not in _HEADINGS), *elsewhere)


def metric_heading(name: str) -> str:
    """The heading; of a function of the project, its name."""
    if name.startswith(_OTHER):
        return f"{metric_heading(name.removeprefix(_OTHER))}, other"
    return _HEADINGS.get(name) or one_line(name.removeprefix(_FUNCTION).rpartition(":")[2])


def metric_meaning(name: str) -> str:
    """What the figure says, for somebody who meets it the first time."""
    return _MEANINGS.get(name, "computed by a function of this project")


def is_error(name: str) -> bool:
    """Whether less of the metric is better."""
    return name.removeprefix(_OTHER) in _ERRORS


def figures_of(evaluation: Evaluation | None) -> dict[str, float]:
    """Every metric's figure, those of another domain included, by the names that `metrics_of` gives."""
    if evaluation is None:
        return {}
    own = {metric.metric: metric.value for metric in evaluation.metrics}
    return own | {f"{_OTHER}{metric.metric}": metric.value for metric in evaluation.other}


def metric_text(evaluation: Evaluation | None, name: str) -> str:
    """The figure of that metric; a dash where there is none."""
    figure = figures_of(evaluation).get(name)
    if figure is None:
        return ABSENT
    return "NaN" if math.isnan(figure) else _FORMATS.get(name.removeprefix(_OTHER), _plain)(figure)


# Agreement is cut, not rounded: a variant that differs anywhere must never read 1.0000 or 100 %.
def _cosine(figure: float) -> str:
    return f"{math.floor(figure * 10_000) / 10_000:.4f}"


def _share(figure: float) -> str:
    return "100 %" if figure >= 1 else f"{math.floor(figure * 1000) / 10:.1f} %"


def _error(figure: float) -> str:
    return f"{figure:.2g}"


def _decibels(figure: float) -> str:
    return f"{figure:.1f} dB"


def _plain(figure: float) -> str:
    return f"{figure:.4g}"


_ERRORS = frozenset({"max_abs_error", "mean_abs_error", "kl_divergence", "perplexity"})
_HEADINGS = {
    "cosine": "cosine",
    "max_abs_error": "error",
    "mean_abs_error": "mean error",
    "sqnr": "SQNR",
    "kl_divergence": "KL",
    "top1_agreement": "top-1",
    "top5_agreement": "top-5",
    "retrieval_agreement": "retrieval",
    "box_iou": "IoU",
    "token_agreement": "tokens",
    "perplexity": "perplexity",
    "accuracy": "accuracy",
    "f1": "F1",
}
_MEANINGS = {
    "cosine": "how alike the outputs are to the original's: 1 is the same direction, below 0.99 people may notice",
    "max_abs_error": "the largest difference of any output number from the original's, in the output's own units",
    "mean_abs_error": "the mean difference of output numbers from the original's, in the output's own units",
    "sqnr": "how loud the original's signal is above the error, in decibels: 20 is a tenth of error, 40 a hundredth",
    "kl_divergence": "how far the probabilities are from the original's: 0 is the same",
    "top1_agreement": "how often the first choice is the original's",
    "top5_agreement": "how often the original's first choice is among the first five",
    "retrieval_agreement": "how many of the ten nearest neighbours of each sample are the original's",
    "box_iou": "how well detected boxes cover the original's: 1 is exactly",
    "token_agreement": "how often the next token is the original's",
    "perplexity": "how surprised the model is by the texts: less is better",
    "accuracy": "how often the answer is the true one, by the labels",
    "f1": "accuracy that counts rare classes as much as common ones: 1 is best",
}
_FORMATS: dict[str, Callable[[float], str]] = {
    "cosine": _cosine,
    "max_abs_error": _error,
    "mean_abs_error": _error,
    "sqnr": _decibels,
    "kl_divergence": _error,
    "top1_agreement": _share,
    "top5_agreement": _share,
    "retrieval_agreement": _share,
    "token_agreement": _share,
    "accuracy": _share,
    "box_iou": _cosine,
    "f1": _cosine,
}
