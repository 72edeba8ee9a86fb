from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from modelpack.graph.agreement import find_disagreement
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value


def compared(before: onnx.ModelProto, after: onnx.ModelProto, folder: Path) -> str:
    return find_disagreement(
        onnx_models.write(before, folder / "before.onnx"),
        onnx_models.write(after, folder / "after.onnx"),
    )


def scaled(factor: float, dtype: int = TensorProto.FLOAT) -> onnx.ModelProto:
    """`x` [4] times a number; the largest value decides what counts as rounding."""
    numpy_dtype = helper.tensor_dtype_to_np_dtype(dtype)
    nodes = [helper.make_node("Mul", ["x", "factor"], ["y"])]
    weights = [tensor("factor", np.array(factor, numpy_dtype))]
    return onnx_models.model(nodes, [value("x", [4], dtype)], [value("y", [4], dtype)], weights)


def test_agreement_of_a_model_with_itself(tmp_path: Path) -> None:
    assert compared(onnx_models.conv_net(), onnx_models.conv_net(), tmp_path) == ""


@pytest.mark.parametrize("factor", [1.00005, 0.99995])
def test_agreement_up_to_rounding(tmp_path: Path, factor: float) -> None:
    assert compared(scaled(1), scaled(factor), tmp_path) == ""


def test_agreement_ends_beyond_rounding(tmp_path: Path) -> None:
    difference = compared(scaled(1), scaled(1.001), tmp_path)

    assert difference.startswith('output "y" differs by ')


def test_agreement_of_half_precision_is_looser(tmp_path: Path) -> None:
    half = TensorProto.FLOAT16

    assert compared(scaled(1, half), scaled(1.001, half), tmp_path) == ""
    assert compared(scaled(1, half), scaled(1.1, half), tmp_path) != ""


def test_agreement_of_whole_numbers_is_exact(tmp_path: Path) -> None:
    whole = TensorProto.INT64

    assert compared(scaled(1000, whole), scaled(1001, whole), tmp_path) == 'output "y" differs'


@pytest.mark.parametrize("factor", [np.nan, np.inf])
def test_agreement_of_values_that_are_not_finite(tmp_path: Path, factor: float) -> None:
    elsewhere = 'output "y" is finite in other places'

    assert compared(scaled(factor), scaled(factor), tmp_path) == ""
    assert compared(scaled(factor), scaled(1), tmp_path) == elsewhere
    assert compared(scaled(1), scaled(factor), tmp_path) == elsewhere


def rename(model: onnx.ModelProto) -> None:
    model.graph.output[0].name = model.graph.node[-1].output[0] = "z"


def reshape(model: onnx.ModelProto) -> None:
    model.graph.node[0].output[0] = "flat"
    model.graph.initializer.append(tensor("shape", np.array([2, 2])))
    model.graph.node.append(helper.make_node("Reshape", ["flat", "shape"], ["y"]))
    model.graph.output[0].CopyFrom(value("y", [2, 2]))


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (rename, "outputs z instead of y"),
        (reshape, 'output "y" is float32 [2, 2] instead of float32 [4]'),
    ],
)
def test_agreement_needs_the_same_signature(
    tmp_path: Path, change: Callable[[onnx.ModelProto], None], expected: str
) -> None:
    after = scaled(1)
    change(after)

    assert compared(scaled(1), after, tmp_path) == expected
