from __future__ import annotations

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime as ort
import pytest
from onnx import TensorProto, helper

from modelpack.errors import StepError
from modelpack.export.pooling import add_stages
from modelpack.export.sentence import Dense, Normalize, Pooling, Stage

Floats = npt.NDArray[np.float32]
# Two texts of four tokens, of which the second has two; vectors of three numbers.
TOKENS: Floats = np.arange(24, dtype=np.float32).reshape(2, 4, 3) - 7
MASK = np.array([[1, 1, 1, 1], [1, 1, 0, 0]], np.int64)


def transformer(opset: int = 18) -> onnx.ModelProto:
    """A model whose token vectors are what it is given."""
    tokens = helper.make_tensor_value_info("tokens", TensorProto.FLOAT, ["batch_size", "n", 3])
    mask = helper.make_tensor_value_info("attention_mask", TensorProto.INT64, ["batch_size", "n"])
    hidden = helper.make_tensor_value_info(
        "last_hidden_state", TensorProto.FLOAT, ["batch_size", "n", 3]
    )
    graph = helper.make_graph(
        [helper.make_node("Identity", ["tokens"], ["last_hidden_state"])],
        "g",
        [mask, tokens],
        [hidden],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def pooled(*stages: Stage, opset: int = 18, mask: npt.NDArray[np.int64] = MASK) -> Floats:
    model = transformer(opset)
    add_stages(model, stages)
    onnx.checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (vector,) = session.run(None, {"tokens": TOKENS, "attention_mask": mask})
    return np.asarray(vector)


WAYS = {
    "cls": TOKENS[:, 0],
    "mean": np.stack([TOKENS[0].mean(0), TOKENS[1, :2].mean(0)]),
    "max": np.stack([TOKENS[0, 3], TOKENS[1, 1]]),
    "mean_sqrt_len": np.stack([TOKENS[0].sum(0) / 2, TOKENS[1, :2].sum(0) / np.sqrt(2)]),
    "weightedmean": np.stack(
        [
            (TOKENS[0] * np.array([[1], [2], [3], [4]])).sum(0) / 10,
            (TOKENS[1, :2] * np.array([[1], [2]])).sum(0) / 3,
        ]
    ),
    "lasttoken": np.stack([TOKENS[0, 3], TOKENS[1, 1]]),
}


@pytest.mark.parametrize("opset", [13, 18, 20])
@pytest.mark.parametrize("way", WAYS)
def test_pooling_leaves_padding_out(way: str, opset: int) -> None:
    np.testing.assert_allclose(pooled(Pooling((way,)), opset=opset), WAYS[way], rtol=1e-6)


def test_pooling_of_the_last_token_finds_it_behind_padding() -> None:
    mask = np.array([[0, 0, 1, 1], [0, 1, 1, 0]], np.int64)
    vectors = pooled(Pooling(("lasttoken",)), mask=mask)
    np.testing.assert_array_equal(vectors, np.stack([TOKENS[0, 3], TOKENS[1, 2]]))


def test_pooling_of_nothing_is_finite() -> None:
    mask = np.array([[0, 0, 0, 0], [1, 0, 0, 0]], np.int64)
    assert np.isfinite(pooled(Pooling(("mean",)), Normalize(), mask=mask)).all()


def test_pooling_in_several_ways_joins_them() -> None:
    expected = np.concatenate([WAYS["cls"], WAYS["max"]], axis=1)
    np.testing.assert_allclose(pooled(Pooling(("cls", "max"))), expected)


def test_pooling_is_followed_by_dense_layers_and_normalisation() -> None:
    weight: Floats = np.array([[1, 0, 2], [0, -1, 1]], np.float32)
    bias: Floats = np.array([0.5, -0.5], np.float32)
    layers = np.tanh(WAYS["mean"] @ weight.T + bias)
    expected = layers / np.linalg.norm(layers, axis=1, keepdims=True)
    vectors = pooled(Pooling(("mean",)), Dense(weight, bias, "Tanh"), Normalize())
    np.testing.assert_allclose(vectors, expected, rtol=1e-5)


def test_pooling_gives_one_output_of_known_size() -> None:
    model = transformer()
    add_stages(model, (Pooling(("mean", "max")), Dense(np.ones((5, 6), np.float32), None, "")))
    (output,) = model.graph.output
    dims = [dim.dim_param or dim.dim_value for dim in output.type.tensor_type.shape.dim]
    assert (output.name, dims) == ("sentence_embedding", ["batch_size", 5])


@pytest.mark.parametrize("stages", [(), (Normalize(),)])
def test_pooling_has_to_come_first(stages: tuple[Stage, ...]) -> None:
    with pytest.raises(StepError, match="MP-E460"):
        add_stages(transformer(), stages)


def test_pooling_needs_a_mask() -> None:
    model = transformer()
    model.graph.input[0].name = "mask"
    with pytest.raises(StepError, match=r'MP-E460.*library = "transformers"'):
        add_stages(model, (Pooling(("mean",)),))
