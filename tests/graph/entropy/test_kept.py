from __future__ import annotations

import numpy as np
import onnx_ir as ir
from onnx import helper

from modelpack.graph.entropy.curvature import Curvature
from modelpack.graph.entropy.kept import kept_in_floats
from modelpack.graph.recipes.weights import Weight, find_weights
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like

COUNT = 8


def weights(size: int = 32) -> tuple[Weight, ...]:
    """Eight products in a row, `w0` to `w7`, each of `size` by `size`."""
    nodes = [
        helper.make_node("MatMul", [f"v{i}", f"w{i}"], [f"v{i + 1}"], f"/{i}") for i in range(COUNT)
    ]
    tensors = [tensor(f"w{i}", weights_like(i, size, size)) for i in range(COUNT)]
    ends = [value("v0", [1, size])], [value(f"v{COUNT}", [1, size])]
    graph = ir.from_proto(onnx_models.model(nodes, *ends, tensors))
    return find_weights(graph, (), fewest=64).weights


def costs(*activations: float) -> dict[str, Curvature]:
    nothing = np.zeros((0, 0))
    return {f"w{i}": Curvature(nothing, nothing, cost) for i, cost in enumerate(activations)}


def test_kept_none_where_rounding_of_inputs_costs_little() -> None:
    assert kept_in_floats(weights(), costs(0.002, *[0.0001] * 7), 0.02) == frozenset()


def test_kept_the_costliest_until_enough_is_left() -> None:
    assert kept_in_floats(weights(), costs(0.0001, 0.02, *[0.0001] * 6), 0.02) == {"w1"}


def test_kept_a_quarter_of_the_multiplications_at_most() -> None:
    assert kept_in_floats(weights(), costs(0.1, 0.2, 0.3, *[0.1] * 5), 0.02) == {"w1", "w2"}


def test_kept_weights_without_gradient_multiply_integers() -> None:
    assert kept_in_floats(weights(), {}, 0.02) == frozenset()


def test_kept_small_products_stay_in_floats() -> None:
    assert kept_in_floats(weights(31), costs(*[0.0] * 8), 0.02) == {f"w{i}" for i in range(COUNT)}
