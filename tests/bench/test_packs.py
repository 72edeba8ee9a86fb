from __future__ import annotations

import numpy as np
import pytest

from modelpack.bench.packs import Feeds, decode_feeds, encode_feeds, feeds_of
from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample
from modelpack.spec.golden import StatePair

STATE = (StatePair("state", "stateN"),)


def test_encode_feeds_is_read_back() -> None:
    feeds = Feeds(
        {"state": np.zeros((2, 1), np.float32)},
        (
            {"x": np.array([1, 2, 3], np.uint8), "rate": np.array(16000, np.int64)},
            {"x": np.array([4, 5, 6], np.uint8), "rate": np.array(8000, np.int64)},
        ),
    )
    found = decode_feeds(encode_feeds(feeds))
    assert found.state["state"].shape == (2, 1)
    assert [step["x"].tolist() for step in found.steps] == [[1, 2, 3], [4, 5, 6]]
    assert [(step["rate"].shape, int(step["rate"])) for step in found.steps] == [
        ((), 16000),
        ((), 8000),
    ]


def test_encode_feeds_aligns_every_tensor() -> None:
    content = encode_feeds(Feeds({}, ({"a": np.zeros(3, np.uint8), "b": np.ones(1)},)))
    assert len(content) % 8 == 0
    assert content[-8:] == np.ones(1).tobytes()


def test_encode_feeds_refuses_strings() -> None:
    with pytest.raises(StepError, match="MP-E804 bench: words is object"):
        encode_feeds(Feeds({}, ({"words": np.array(["a"], np.object_)},)))


def test_feeds_of_a_sample_with_steps_feeds_state_once() -> None:
    frames = np.arange(6, dtype=np.float32).reshape(3, 1, 2)
    sample = Sample(0, {"x": frames, "state": np.ones(2, np.float32)}, stepped=frozenset({"x"}))
    feeds = feeds_of(sample, {"x", "state"}, STATE)
    assert feeds.state["state"].tolist() == [1, 1]
    assert [step["x"].tolist() for step in feeds.steps] == [[[0, 1]], [[2, 3]], [[4, 5]]]
    assert all("state" not in step for step in feeds.steps)


def test_feeds_of_a_variant_with_fewer_inputs_leaves_the_others_out() -> None:
    sample = Sample(0, {"x": np.zeros(1), "unused": np.zeros(1)})
    assert list(feeds_of(sample, {"x"}, ()).steps[0]) == ["x"]
