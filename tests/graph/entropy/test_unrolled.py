from __future__ import annotations

from pathlib import Path

import numpy as np

from modelpack.graph.entropy.unrolled import unrolled
from modelpack.graph.golden.samples import Sample
from modelpack.graph.running import compared
from modelpack.spec.golden import StatePair
from tests.support import onnx_models
from tests.support.recipes import floats

STATE = (StatePair("state", "stateN"),)


def test_unrolled_steps_carry_the_state_of_the_model(tmp_path: Path) -> None:
    source = onnx_models.write(onnx_models.lstm_net(), tmp_path / "model.onnx")
    start = np.zeros((1, 1, 16), np.float32)
    sample = Sample(3, {"x": floats(0, 4, 1, 1, 8), "state": start}, "a", frozenset({"x"}))
    steps = unrolled(source, (sample,), STATE)
    assert [each.feeds["x"].shape for each in steps] == [(1, 1, 8)] * 4
    assert not steps[0].feeds["state"].any()
    assert steps[1].feeds["state"].any()
    assert not np.array_equal(steps[1].feeds["state"], steps[2].feeds["state"])


def test_unrolled_samples_of_one_step_stay_as_they_are(tmp_path: Path) -> None:
    samples = (Sample(0, {"x": floats(0, 1, 32)}),)
    assert unrolled(tmp_path / "never read", samples, ()) == samples


def test_compared_state_counts_only_where_nothing_else_does() -> None:
    assert compared(("y", "stateN"), (), STATE) == ("y",)
    assert compared(("y", "stateN"), ("stateN",), STATE) == ("stateN",)
