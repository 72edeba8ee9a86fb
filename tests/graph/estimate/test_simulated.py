from __future__ import annotations

import numpy as np
import onnx_ir as ir
import pytest
from msgspec.structs import replace

from modelpack.estimated import Recipe
from modelpack.graph.estimate.simulated import Simulated, simulate
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import Override, RecipeSettings
from tests.support.onnx_models import mlp

Q8 = QuantizeParams("q8", "webgpu", (), 32)
# fc1.weight [32, 64] is large enough for a recipe; fc2.weight [10, 64] and both biases are not.
LARGE, SMALL = 32 * 64, 10 * 64 + 64 + 10


def simulated(params: QuantizeParams) -> Simulated:
    return simulate(ir.from_proto(mlp()), Recipe("one", "plain", params))


def stored_bytes(found: Simulated) -> tuple[int, int]:
    return sum(map(len, found.integers)), sum(map(len, found.floats))


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [
        ("fp32", (0, 4 * (LARGE + SMALL))),
        ("fp16", (0, 2 * (LARGE + SMALL))),
        ("q8", (LARGE, 4 * SMALL)),
        ("q4", (LARGE // 2, 4 * SMALL)),
        ("q4f16", (LARGE // 2, 2 * SMALL)),
    ],
)
def test_simulate_stores_each_weight_as_its_dtype_says(
    dtype: str, expected: tuple[int, int]
) -> None:
    found = simulated(QuantizeParams(dtype, "webgpu", (), 32))  # type: ignore[arg-type]
    assert stored_bytes(found) == expected


@pytest.mark.parametrize(("dtype", "bytes_each"), [("fp16", 2), ("fp32", 4)])
def test_simulate_weight_that_an_override_keeps_in_floats_is_stored_so(
    dtype: str, bytes_each: int
) -> None:
    override = Override("fc1.weight", dtype, 32)  # type: ignore[arg-type]
    found = simulated(replace(Q8, settings=RecipeSettings(overrides=(override,))))
    assert stored_bytes(found) == (0, bytes_each * LARGE + 4 * SMALL)


def test_simulate_gives_the_model_the_rounded_numbers() -> None:
    before = ir.from_proto(mlp()).graph.initializers["fc1.weight"].const_value
    after = simulated(Q8).model.graph.initializers["fc1.weight"].const_value
    assert before is not None
    assert after is not None
    exact, rounded = before.numpy(), after.numpy()
    steps = np.abs(exact).max(axis=0) / 127
    assert np.abs(rounded - exact).max() > 0
    assert (np.abs(rounded - exact) <= steps / 2 * 1.001).all()  # float32 rounds the quotient
