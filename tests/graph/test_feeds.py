from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from modelpack.errors import StepError
from modelpack.graph.feeds import first_line, generate_feeds, working_feeds
from modelpack.graph.sessions import open_session
from modelpack.record import ValueFacts
from tests.support import onnx_models
from tests.support.onnx_models import value


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((), ()),
        ((3, 4), (3, 4)),
        ((None,), (1,)),
        (("batch", "sequence"), (1, 16)),
        (("batch", None, None, 3), (1, 16, 16, 3)),
        (("batch", 3, "height", "width"), (1, 3, 16, 24)),
    ],
)
def test_feeds_open_dimensions_get_a_size(
    shape: tuple[int | str | None, ...], expected: tuple[int, ...]
) -> None:
    feeds = generate_feeds((ValueFacts("x", "float32", shape),), 0, {"width": 24})

    assert feeds["x"].shape == expected


def test_feeds_of_a_cache_and_its_mask_have_sizes_that_agree() -> None:
    inputs = (
        ValueFacts("mask", "int64", ("batch", "past + new")),
        ValueFacts("ids", "int64", ("batch", "new")),
        ValueFacts("keys", "float32", ("batch", 4, "past", 8)),
        ValueFacts("other", "float32", ("batch", "new + unknown")),
    )
    feeds = generate_feeds(inputs, 0, {"past": 3})

    assert [feeds[value.name].shape for value in inputs] == [
        (1, 19),
        (1, 16),
        (1, 4, 3, 8),
        (1, 16),
    ]


@pytest.mark.parametrize(
    "dtype", ["float32", "float64", "float16", "int64", "int32", "uint8", "bool"]
)
def test_feeds_have_the_type_of_the_input(dtype: str) -> None:
    feeds = generate_feeds((ValueFacts("x", dtype, (8,)),), 0)

    assert feeds["x"].dtype == np.dtype(dtype)


def test_feeds_integers_stay_inside_every_table() -> None:
    feeds = generate_feeds((ValueFacts("ids", "int64", (1000,)),), 0)

    assert set(feeds["ids"].tolist()) == {0, 1}


def test_feeds_strings_are_strings() -> None:
    assert generate_feeds((ValueFacts("s", "string", (2,)),), 0)["s"].tolist() == ["a", "a"]


def test_feeds_sample_rates_take_turns() -> None:
    inputs = (ValueFacts("sr", "int64", ()),)

    assert [int(generate_feeds(inputs, seed)["sr"]) for seed in range(3)] == [16000, 8000, 16000]


def test_feeds_same_seed_gives_the_same() -> None:
    inputs = (ValueFacts("x", "float32", (4,)),)

    first, second, other = (generate_feeds(inputs, seed)["x"] for seed in (1, 1, 2))

    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_working_feeds_runs_once_for_each_seed(tmp_path: Path) -> None:
    session = open_session(onnx_models.write(onnx_models.mlp(), tmp_path / "model.onnx"))

    feeds = working_feeds(session, range(3))

    assert [fed["x"].shape for fed in feeds] == [(1, 32)] * 3


def test_working_feeds_tries_sizes_until_one_fits(tmp_path: Path) -> None:
    nodes = [helper.make_node("Reshape", ["x", "shape"], ["y"])]
    shape = onnx_models.tensor("shape", np.array([256, 2]))
    model = onnx_models.model(nodes, [value("x", [1, "n"])], [value("y", [256, 2])], [shape])
    session = open_session(onnx_models.write(model, tmp_path / "model.onnx"))

    (feeds,) = working_feeds(session, range(1))

    assert feeds["x"].shape == (1, 512)


def test_working_feeds_that_never_fit_say_why(tmp_path: Path) -> None:
    nodes = [helper.make_node("Gather", ["table", "nine"], ["y"])]
    weights = [
        onnx_models.tensor("table", np.ones((2, 2), np.float32)),
    ]
    inputs = [value("nine", [1], TensorProto.INT64)]
    far = helper.make_node("Add", ["nine", "offset"], ["far"])
    weights.append(onnx_models.tensor("offset", np.array([9])))
    nodes[0].input[1] = "far"
    model = onnx_models.model([far, *nodes], inputs, [value("y", [1, 2])], weights)
    session = open_session(onnx_models.write(model, tmp_path / "model.onnx"))

    with pytest.raises(StepError) as caught:
        working_feeds(session, range(1))

    assert caught.value.code == "MP-E403"
    assert caught.value.message.startswith("the model does not run on generated inputs (")
    assert caught.value.remedy == "fix its symbolic dimensions with `free_dimensions`"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[ONNXRuntimeError] : 1 : FAIL : no such file\nmore", "1 : FAIL : no such file"),
        (
            "[ONNXRuntimeError] : 10 : INVALID_GRAPH : Load model from /a b/model.onnx failed:This is an invalid model.",
            "10 : INVALID_GRAPH : This is an invalid model.",
        ),
        ("plain", "plain"),
        ("", "RuntimeError"),
    ],
)
def test_first_line_is_what_the_message_says(text: str, line: str) -> None:
    assert first_line(RuntimeError(text)) == line
