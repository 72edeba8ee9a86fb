from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from numpy.typing import NDArray
from onnx import helper

from modelpack.graph.passes.share_weights import ShareWeightsPass
from modelpack.graph.weights import WeightReader
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.passes import apply, computes_the_same

TABLE = weights_like(1, 4, 4)
OTHER = weights_like(2, 4, 4)


def sums(*weights: NDArray[np.generic]) -> onnx.ModelProto:
    """`x` float32 [4, 4] → `y` = x + w0 + w1 …, each weight an initialiser."""
    nodes = [
        helper.make_node("Add", [f"h{number}" if number else "x", f"w{number}"], [f"h{number + 1}"])
        for number in range(len(weights))
    ]
    nodes.append(helper.make_node("Identity", [f"h{len(weights)}"], ["y"]))
    tensors = [tensor(f"w{number}", weight) for number, weight in enumerate(weights)]
    return onnx_models.model(nodes, [value("x", [4, 4])], [value("y", [4, 4])], tensors)


def kept(model: onnx.ModelProto) -> list[str]:
    return [weight.name for weight in model.graph.initializer]


def test_share_weights_equal_ones_become_the_first() -> None:
    before = sums(OTHER, TABLE, OTHER, TABLE, TABLE)

    after, modified = apply(ShareWeightsPass(), before)

    assert (kept(after), modified) == (["w0", "w1"], True)
    assert computes_the_same(before, after)


@pytest.mark.parametrize(
    "other",
    [OTHER, TABLE[0], TABLE.reshape(1, 4, 4), -TABLE],
    ids=["values", "fewer", "dimensions", "signs"],
)
def test_share_weights_unequal_ones_stay(other: NDArray[np.float32]) -> None:
    before = sums(TABLE, other) if other.ndim == 2 else sums(TABLE, TABLE + 1)
    before.graph.initializer[1].CopyFrom(tensor("w1", other))

    after, modified = apply(ShareWeightsPass(), before)

    assert (kept(after), modified) == (["w0", "w1"], False)


def test_share_weights_same_bytes_of_another_type_stay() -> None:
    before = sums(TABLE, TABLE)
    before.graph.initializer[1].CopyFrom(tensor("w1", TABLE.view(np.int32)))

    after, modified = apply(ShareWeightsPass(), before)

    assert (kept(after), modified) == (["w0", "w1"], False)


def test_share_weights_public_values_keep_their_name() -> None:
    before = sums(TABLE, TABLE, TABLE)
    before.graph.output.append(value("w1", [4, 4]))
    before.graph.input.append(value("w2", [4, 4]))

    after, modified = apply(ShareWeightsPass(), before)

    assert (kept(after), modified) == (["w0", "w1", "w2"], False)


def test_share_weights_strings_stay() -> None:
    words = np.array(["a", "b"], dtype=object)
    before = sums(TABLE)
    before.graph.initializer.extend([tensor("s0", words), tensor("s1", words)])

    after, modified = apply(ShareWeightsPass(), before)

    assert (kept(after), modified) == (["w0", "s0", "s1"], False)


def test_share_weights_in_data_files_are_not_mapped(tmp_path: Path) -> None:
    path = onnx_models.write(sums(TABLE, TABLE, OTHER), tmp_path / "before.onnx")
    ir.save(ir.load(path), tmp_path / "model.onnx", external_data="d", size_threshold_bytes=0)
    model = ir.load(tmp_path / "model.onnx")

    result = ShareWeightsPass()(model)

    tensors = [weight.const_value for weight in model.graph.initializers.values()]
    assert [weight.name for weight in model.graph.initializers.values()] == ["w0", "w2"]
    assert result.modified
    assert [each.raw for each in tensors if isinstance(each, ir.ExternalTensor)] == [None, None]
    assert [WeightReader().digest(each) for each in tensors if each] == [
        WeightReader().digest(ir.tensor(TABLE)),
        WeightReader().digest(ir.tensor(OTHER)),
    ]
