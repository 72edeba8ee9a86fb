from __future__ import annotations

import onnx_ir as ir

from modelpack.graph.recipes.applied import Applied, Narrowed
from tests.support import onnx_models


def test_applied_scheme_names_the_one_with_most_bytes_first() -> None:
    model = ir.from_proto(onnx_models.mlp())
    narrowed = (
        Narrowed("a", "w8_row", 10),
        Narrowed("b", "w8_channel", 6),
        Narrowed("c", "w8_channel", 6),
    )
    assert Applied(model, narrowed).scheme == "w8_channel+w8_row"


def test_applied_scheme_equal_bytes_go_by_name() -> None:
    model = ir.from_proto(onnx_models.mlp())
    assert (
        Applied(model, (Narrowed("a", "w8_row", 1), Narrowed("b", "w16", 1))).scheme == "w16+w8_row"
    )
