from __future__ import annotations

from modelpack.graph.state import state_pairs
from modelpack.spec.golden import StatePair


def test_state_pairs_continue_each_key_and_value() -> None:
    inputs = ("input_ids", "past_key_values.0.key", "past_key_values.0.value")
    outputs = ("logits", "present.0.key", "present.0.value")
    assert state_pairs(inputs, outputs) == (
        StatePair("past_key_values.0.key", "present.0.key"),
        StatePair("past_key_values.0.value", "present.0.value"),
    )


def test_state_pairs_leave_out_what_the_encoder_gave_once() -> None:
    inputs = ("past_key_values.0.decoder.key", "past_key_values.0.encoder.key")
    outputs = ("present.0.decoder.key", "present.0.encoder.key")
    assert state_pairs(inputs, outputs) == (
        StatePair("past_key_values.0.decoder.key", "present.0.decoder.key"),
    )


def test_state_pairs_of_a_model_without_a_cache_are_none() -> None:
    assert state_pairs(("input_ids",), ("logits",)) == ()
    assert state_pairs(("past_key_values.0.key",), ("logits",)) == ()
