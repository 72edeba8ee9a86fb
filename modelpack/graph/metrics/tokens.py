"""Text generation, judged on given texts: the next token at each position, from the tokens before it.

Nothing is generated: after the first difference two generated texts say nothing about each other. The logits are the output
`logits`, or else the first, [batch, tokens, vocabulary]; the tokens the input `input_ids` [batch, tokens]; positions that
`attention_mask` marks with 0 do not count.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.metrics.case import Case, Floats, Outputs, does_not_suit
from modelpack.graph.metrics.distributions import log_probabilities


def token_agreement(case: Case) -> float:
    """The share of positions at which the most likely next token is the same in both.

    Raises: StepError MP-E503 if the model does not generate text.
    """
    counts = _counted(case, "token_agreement")
    expected, found = (
        _logits(outputs, case, "token_agreement").argmax(axis=-1)[counts]
        for outputs in (case.expected, case.found)
    )
    return float(np.mean(expected == found)) if expected.size else 1.0


def surprises(case: Case) -> Floats:
    """-log p, in nats, that the variant gives each token of the text but the first.

    Raises: StepError MP-E503 if the model does not generate text, or the text has no second token.
    """
    counts = _counted(case, "perplexity")
    ids = np.asarray(case.feeds["input_ids"], np.int64)
    follows = counts[:, 1:] & counts[:, :-1]
    if not follows.any():
        raise does_not_suit("perplexity", "a text of one token has nothing to predict")
    logits = _logits(case.found, case, "perplexity")[:, :-1]
    log_p = log_probabilities(logits[follows], is_distribution=False)
    return np.asarray(-np.take_along_axis(log_p, ids[:, 1:][follows][:, None], axis=-1)[:, 0])


def perplexities(observed: Sequence[Floats]) -> Floats:
    """For each sample, exp of the mean surprise of its tokens."""
    return np.array([np.exp(np.mean(surprise)) for surprise in observed])


def perplexity(observed: Sequence[Floats]) -> float:
    """Exp of the mean surprise over the tokens of all samples."""
    return float(np.exp(np.mean(np.concatenate(list(observed)))))


def _counted(case: Case, metric: str) -> NDArray[np.bool_]:
    """[batch, tokens] which positions count."""
    if "input_ids" not in case.feeds:
        raise does_not_suit(metric, f"expected the input input_ids; found {', '.join(case.feeds)}")
    ids = case.feeds["input_ids"]
    mask = case.feeds.get("attention_mask")
    if mask is None or mask.shape != ids.shape:
        return np.ones(ids.shape, np.bool_)
    return np.asarray(mask, np.bool_)


def _logits(outputs: Outputs, case: Case, metric: str) -> Floats:
    name = "logits" if "logits" in outputs else next(iter(outputs))
    logits = np.asarray(outputs[name], np.float64)
    ids = case.feeds["input_ids"]
    if logits.ndim != ids.ndim + 1 or logits.shape[:-1] != ids.shape or ids.ndim != 2:
        raise does_not_suit(
            metric,
            f"expected {name} [batch, tokens, vocabulary] for input_ids {list(ids.shape)}; "
            f"found {list(logits.shape)}",
        )
    return logits
