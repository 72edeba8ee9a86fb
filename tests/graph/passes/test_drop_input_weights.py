from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.graph.agreement import find_disagreement
from modelpack.graph.passes.drop_input_weights import DropInputWeightsPass
from tests.support import onnx_models
from tests.support.onnx_models import value
from tests.support.passes import apply


@pytest.mark.parametrize(("version", "expected"), [(3, 4), (4, 4), (8, 8)])
def test_drop_input_weights_leaves_real_inputs(tmp_path: Path, version: int, expected: int) -> None:
    before = onnx_models.mlp()
    before.ir_version = version
    for weight in before.graph.initializer:
        before.graph.input.append(value(weight.name, list(weight.dims)))

    after, modified = apply(DropInputWeightsPass(), before)

    assert ([entry.name for entry in after.graph.input], modified) == (["x"], True)
    assert after.ir_version == expected
    assert len(after.graph.initializer) == 4
    # Not bit for bit: onnxruntime packs constant weights, and then sums in another order.
    first = onnx_models.write(before, tmp_path / "before.onnx")
    second = onnx_models.write(after, tmp_path / "after.onnx")
    assert find_disagreement(first, second) == ""


def test_drop_input_weights_without_any_changes_nothing() -> None:
    after, modified = apply(DropInputWeightsPass(), onnx_models.mlp())

    assert ([entry.name for entry in after.graph.input], modified) == (["x"], False)


def test_drop_input_weights_raises_an_old_version_even_without_any() -> None:
    before = onnx_models.if_net()
    before.ir_version = 3

    after, modified = apply(DropInputWeightsPass(), before)

    assert (after.ir_version, modified) == (4, True)
