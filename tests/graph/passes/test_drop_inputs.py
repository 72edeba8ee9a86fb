from __future__ import annotations

import onnx

from modelpack.graph.passes.drop_inputs import DropUnusedInputsPass
from tests.support import onnx_models
from tests.support.onnx_models import value
from tests.support.passes import apply, computes_the_same


def input_names(model: onnx.ModelProto) -> list[str]:
    return [entry.name for entry in model.graph.input]


def test_drop_inputs_drops_what_nothing_reads() -> None:
    before = onnx_models.mlp()
    before.graph.input.append(value("unread", [1]))

    after, modified = apply(DropUnusedInputsPass(), before)

    assert (input_names(after), modified) == (["x"], True)
    assert computes_the_same(before, after)


def test_drop_inputs_keeps_what_is_read_in_a_subgraph_only() -> None:
    after, modified = apply(DropUnusedInputsPass(), onnx_models.if_net())

    assert (input_names(after), modified) == (["x", "flag"], False)


def test_drop_inputs_keeps_what_is_an_output_itself() -> None:
    before = onnx_models.mlp()
    before.graph.input.append(value("through", [1]))
    before.graph.output.append(value("through", [1]))

    after, modified = apply(DropUnusedInputsPass(), before)

    assert (input_names(after), modified) == (["x", "through"], False)
