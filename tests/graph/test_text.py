from __future__ import annotations

import onnx
import pytest

from modelpack.graph.text import is_text
from tests.support import onnx_models


def parsed(old: bytes, new: bytes) -> onnx.ModelProto:
    model = onnx_models.if_net()
    model.graph.initializer.append(onnx_models.tensor("table", onnx_models.weights_like(0, 4)))
    model.metadata_props.add(key="colour", value="blue")
    content = model.SerializeToString()
    assert content.count(old) >= 1
    return onnx.load_model_from_string(content.replace(old, new))


def test_text_of_a_good_model_is_text() -> None:
    assert is_text(parsed(b"table", b"Tabl\x41"))
    assert is_text(parsed(b"table", "t★a".encode()))


@pytest.mark.parametrize(
    "name", [b"table", b"/else/MatMul", b"then_w", b"flag", b"colour", b"Constant", b"else_branch"]
)
def test_text_that_is_not_utf8_is_found_anywhere(name: bytes) -> None:
    assert not is_text(parsed(name, b"\xff" + name[1:]))
