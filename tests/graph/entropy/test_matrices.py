from __future__ import annotations

import numpy as np

from modelpack.graph.entropy.matrices import has_matrices, stack, unstack
from tests.support import onnx_models
from tests.support.onnx_models import weights_like
from tests.support.recipes import one_node
from tests.support.shaped import weight_of


def test_stack_product_is_one_matrix() -> None:
    weight = weight_of(onnx_models.mlp(), "fc1.weight")
    assert np.array_equal(stack(weight)[0], weights_like(0, 32, 64))


def test_stack_transposed_product_has_inputs_first() -> None:
    proto = one_node("Gemm", [1, 64], weights_like(0, 32, 64), [1, 32], transB=1)
    weight = weight_of(proto, "w")
    assert np.array_equal(stack(weight)[0], weights_like(0, 32, 64).T)
    assert np.array_equal(
        unstack(weight, stack(weight).astype(np.int8)), weight.array().astype(np.int8)
    )


def test_stack_filter_has_one_matrix_for_each_group() -> None:
    filters = weights_like(0, 32, 16, 3, 3) * 100
    weight = weight_of(one_node("Conv", [1, 32, 8, 8], filters, [1, 32, 6, 6], group=2), "w")
    stacked = stack(weight)
    assert stacked.shape == (2, 144, 16)
    assert np.array_equal(stacked[1, :, 3], filters[19].reshape(-1))
    assert np.array_equal(unstack(weight, stacked.astype(np.int8)), filters.astype(np.int8))


def test_has_matrices_look_up_has_none() -> None:
    assert not has_matrices(weight_of(onnx_models.embedding_net(), "table"))
