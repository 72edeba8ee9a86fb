from __future__ import annotations

import onnx
import pytest
from onnx_ir.passes import PreconditionError

from modelpack.graph.passes.keep_outputs import KeepOutputsPass
from tests.support import onnx_models
from tests.support.passes import apply, computes_the_same


def output_names(model: onnx.ModelProto) -> list[str]:
    return [value.name for value in model.graph.output]


def test_keep_outputs_drops_the_others() -> None:
    before = onnx_models.lstm_net()

    after, modified = apply(KeepOutputsPass(("stateN",)), before)

    assert (output_names(after), modified) == (["stateN"], True)
    assert computes_the_same(before, after)


def test_keep_outputs_without_names_changes_nothing() -> None:
    after, modified = apply(KeepOutputsPass(()), onnx_models.lstm_net())

    assert (output_names(after), modified) == (["y", "stateN"], False)


def test_keep_outputs_of_all_keeps_the_order_of_the_graph() -> None:
    after, modified = apply(KeepOutputsPass(("stateN", "y")), onnx_models.lstm_net())

    assert (output_names(after), modified) == (["y", "stateN"], False)


def test_keep_outputs_of_a_name_the_graph_lacks_is_refused() -> None:
    with pytest.raises(PreconditionError, match="no output z"):
        apply(KeepOutputsPass(("y", "z")), onnx_models.lstm_net())
