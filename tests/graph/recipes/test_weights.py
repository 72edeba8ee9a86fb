from __future__ import annotations

import onnx_ir as ir
import pytest
from onnx import ModelProto, TensorProto, helper

from modelpack.graph.recipes.weights import MIN_ELEMENTS, find_weights
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import lifted_if_net, one_node


def kinds(proto: ModelProto, *excluded: str) -> dict[str, tuple[str, int]]:
    found = find_weights(ir.from_proto(proto), excluded)
    return {weight.name: (weight.kind, weight.axis) for weight in found.weights}


def test_find_weights_matmul_is_a_product_by_column() -> None:
    assert kinds(onnx_models.mlp()) == {"fc1.weight": ("product", 1)}


def test_find_weights_conv_counts_output_channels_first() -> None:
    assert kinds(onnx_models.conv_net()) == {"conv2.weight": ("whole", 0)}


def test_find_weights_gather_of_rows() -> None:
    assert kinds(onnx_models.embedding_net()) == {"table": ("rows", 0)}


def test_find_weights_lstm_counts_gates_second() -> None:
    found = kinds(onnx_models.lstm_net())
    assert found == {"lstm.R": ("whole", 1)}  # W has 512 numbers


def test_find_weights_inside_if_are_found() -> None:
    assert set(kinds(lifted_if_net())) == {"then.weight", "else.weight"}


@pytest.mark.parametrize(
    ("operator", "shape", "weight", "attributes", "expected"),
    [
        ("Gemm", (2, 32), (64, 32), {"transB": 1}, ("product", 0)),
        ("Gemm", (2, 32), (32, 64), {}, ("product", 1)),
        ("Gemm", (32, 2), (32, 64), {"transA": 1}, ("whole", 1)),
        ("ConvTranspose", (1, 16, 4, 4), (16, 8, 3, 3), {}, ("whole", 1)),
        ("MatMul", (2, 4, 32), (2, 32, 64), {}, ("whole", 2)),
    ],
)
def test_find_weights_operator_decides_kind_and_axis(
    operator: str,
    shape: tuple[int, ...],
    weight: tuple[int, ...],
    attributes: dict[str, int],
    expected: tuple[str, int],
) -> None:
    proto = one_node(operator, shape, weights_like(0, *weight), ["a", "b"], **attributes)
    assert kinds(proto) == {"w": expected}


def test_find_weights_one_number_below_the_limit_is_left_alone() -> None:
    assert kinds(one_node("MatMul", [1, 32], weights_like(0, 32, MIN_ELEMENTS // 32), [1, 32]))
    short = one_node("MatMul", [1, 31], weights_like(0, 31, 33), [1, 33])
    assert MIN_ELEMENTS - 1 == 31 * 33
    assert kinds(short) == {}


def test_find_weights_small_ones_are_found_where_asked_for() -> None:
    small = ir.from_proto(one_node("MatMul", [1, 8], weights_like(0, 8, 8), [1, 8]))
    assert find_weights(small, (), fewest=65).weights == ()
    assert [weight.name for weight in find_weights(small, (), fewest=64).weights] == ["w"]


def test_find_weights_small_ones_that_stay_get_no_note() -> None:
    proto = one_node("Add", [8, 8], weights_like(0, 8, 8), [8, 8])
    assert find_weights(ir.from_proto(proto), (), fewest=64).notes == ()


def test_find_weights_read_by_add_is_left_alone_with_a_note() -> None:
    found = find_weights(
        ir.from_proto(one_node("Add", [32, 32], weights_like(0, 32, 32), [32, 32])), ()
    )
    assert found.weights == ()
    assert found.notes == ("w (4.10 kB) stays float32: no narrow form for Add",)


def test_find_weights_excluded_reader_is_left_alone_with_a_note() -> None:
    found = find_weights(ir.from_proto(onnx_models.mlp()), {"/fc1/MatMul"})
    assert found.weights == ()
    assert found.notes == ("fc1.weight (8.19 kB) stays float32: nodes_to_exclude names a reader",)


def test_find_weights_that_are_outputs_keep_their_type() -> None:
    proto = onnx_models.mlp()
    proto.graph.output.append(value("fc1.weight", [32, 64]))
    assert kinds(proto) == {}


def test_find_weights_that_are_inputs_keep_their_type() -> None:
    proto = onnx_models.mlp()
    proto.graph.input.append(value("fc1.weight", [32, 64]))
    assert kinds(proto) == {}


def _sliced(end: str) -> ModelProto:
    """An LSTM or an Add that reads the weight `w` [64, 16] through Unsqueeze."""
    nodes = [
        helper.make_node("Unsqueeze", ["w", "zero"], ["u"], "/unsqueeze"),
        helper.make_node("LSTM", ["x", "W", "u"], ["", "y"], "/end", hidden_size=16)
        if end == "LSTM"
        else helper.make_node(end, ["u", "u"], ["y"], "/end"),
    ]
    weights = [
        tensor("w", weights_like(0, 64, 16)),
        tensor("W", weights_like(1, 1, 64, 8)),
        helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
    ]
    return onnx_models.model(nodes, [value("x", [3, 1, 8])], [value("y", ["a", "b", "c"])], weights)


def test_find_weights_reshaped_before_an_lstm_counts() -> None:
    assert kinds(_sliced("LSTM")) == {"w": ("whole", 0)}


def test_find_weights_reshaped_before_an_add_does_not_count() -> None:
    assert kinds(_sliced("Add")) == {}


def test_find_weights_reader_behind_a_reshape_can_be_excluded() -> None:
    assert kinds(_sliced("LSTM"), "/end") == {}


def test_find_weights_shared_by_rows_and_product_is_whole() -> None:
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], "/gather"),
        helper.make_node("Gemm", ["rows", "table"], ["y"], "/head", transB=1),
    ]
    inputs = [value("ids", ["n"], TensorProto.INT64)]
    weights = [tensor("table", weights_like(0, 100, 32))]
    proto = onnx_models.model(nodes, inputs, [value("y", ["n", 100])], weights)
    assert kinds(proto) == {"table": ("whole", 0)}
