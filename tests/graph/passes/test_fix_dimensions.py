from __future__ import annotations

import onnx
import pytest
from onnx_ir.passes import PreconditionError

from modelpack.graph.passes.fix_dimensions import FixDimensionsPass
from tests.support import onnx_models
from tests.support.passes import apply, computes_the_same


def shape(value: onnx.ValueInfoProto) -> list[int | str]:
    return [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]


def test_fix_dimensions_fixes_inputs_and_outputs() -> None:
    before = onnx_models.embedding_net()

    after, modified = apply(FixDimensionsPass({"batch": 2, "sequence": 7}), before)

    assert modified
    assert shape(after.graph.input[0]) == [2, 7]
    assert shape(after.graph.output[0]) == [2, 16]


def test_fix_dimensions_spreads_to_values_between() -> None:
    after, _ = apply(FixDimensionsPass({"batch": 2, "sequence": 7}), onnx_models.embedding_net())

    between = {value.name: shape(value) for value in after.graph.value_info}
    assert between["rows"] == [2, 7, 32]
    assert between["mean"] == [2, 32]


def test_fix_dimensions_leaves_other_names_open() -> None:
    after, _ = apply(FixDimensionsPass({"batch": 1}), onnx_models.embedding_net())

    assert shape(after.graph.input[0]) == [1, "sequence"]


def test_fix_dimensions_keeps_the_numbers() -> None:
    before = onnx_models.conv_net()

    after, _ = apply(FixDimensionsPass({"batch": 1}), before)

    assert computes_the_same(before, after)


def test_fix_dimensions_without_names_changes_nothing() -> None:
    before = onnx_models.embedding_net()

    after, modified = apply(FixDimensionsPass({}), before)

    assert not modified
    assert shape(after.graph.input[0]) == ["batch", "sequence"]


def test_fix_dimensions_where_inference_fails_still_fixes_the_input() -> None:
    before = onnx_models.mlp()
    before.opset_import.add(domain="com.microsoft", version=1)
    before.graph.node[0].domain = "com.microsoft"

    after, modified = apply(FixDimensionsPass({"batch": 3}), before)

    assert modified
    assert shape(after.graph.input[0]) == [3, 32]


def test_fix_dimensions_of_a_name_no_input_has_is_refused() -> None:
    with pytest.raises(PreconditionError, match="no input has the dimension bacth"):
        apply(FixDimensionsPass({"bacth": 1}), onnx_models.embedding_net())
