from __future__ import annotations

import math

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.metrics.tokens import perplexities, perplexity, surprises, token_agreement
from tests.support.cases import case, outputs

IDS = [[0, 1, 2]]
FIRST = [[[9, 0, 0], [0, 9, 0], [0, 0, 9]]]
OTHER = [[[9, 0, 0], [9, 0, 0], [9, 0, 0]]]


def test_token_agreement_counts_positions() -> None:
    assert token_agreement(case(FIRST, OTHER, input_ids=IDS)) == pytest.approx(1 / 3)


def test_token_agreement_masked_positions_do_not_count() -> None:
    found = case(FIRST, OTHER, input_ids=IDS, attention_mask=[[1, 1, 0]])
    assert token_agreement(found) == 0.5


def test_token_agreement_prefers_the_output_logits() -> None:
    found = outputs(
        {"hidden": [[1.0]], "logits": FIRST}, {"hidden": [[2.0]], "logits": FIRST}, input_ids=IDS
    )
    assert token_agreement(found) == 1


def test_perplexity_of_equal_chances_is_their_number() -> None:
    observed = surprises(case(np.zeros((1, 3, 4)), np.zeros((1, 3, 4)), input_ids=IDS))
    assert perplexity([observed]) == pytest.approx(4)


def test_perplexity_weighs_tokens_not_texts() -> None:
    observed = [np.array([0.0, 0.0, 0.0]), np.array([math.log(16)])]
    assert perplexity(observed) == pytest.approx(2)
    assert perplexities(observed).tolist() == pytest.approx([1, 16])


def test_perplexity_padding_is_not_predicted() -> None:
    logits = np.zeros((1, 3, 4))
    logits[0, 1, 3] = 50
    observed = surprises(case(logits, logits, input_ids=IDS, attention_mask=[[1, 1, 0]]))
    assert observed.tolist() == pytest.approx([math.log(4)])


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (case(FIRST, FIRST), "token_agreement: expected the input input_ids; found "),
        (
            case([[1.0]], [[1.0]], input_ids=IDS),
            "token_agreement: expected y [batch, tokens, vocabulary] for input_ids [1, 3]; found [1, 1]",
        ),
    ],
)
def test_token_agreement_of_other_models_fails(found: object, message: str) -> None:
    with pytest.raises(StepError) as caught:
        token_agreement(found)  # type: ignore[arg-type]
    assert caught.value.message == message


def test_perplexity_of_one_token_fails() -> None:
    with pytest.raises(StepError, match="a text of one token has nothing to predict"):
        surprises(case(np.zeros((1, 1, 4)), np.zeros((1, 1, 4)), input_ids=[[1]]))
