from __future__ import annotations

import msgspec
import pytest

from modelpack.keys import InputDigest, KeyPreimage
from modelpack.planned import QuantizeParams
from modelpack.report.why import explain

OLD = KeyPreimage(
    kind="quantize",
    params=QuantizeParams("q8", "wasm", (), 32),
    code=(("modelpack/graph/io.py", "1" * 64), ("modelpack/steps/quantize.py", "2" * 64)),
    tools=(("numpy", "2.4.6"), ("onnx", "1.22.0")),
    inputs=(
        InputDigest("model", "", "a" * 64),
        InputDigest("model", "model.data", "b" * 64),
    ),
    platform="",
)


def changed(**fields: object) -> tuple[str, ...]:
    return explain(OLD, msgspec.structs.replace(OLD, **fields))


def test_explain_equal_preimages_says_nothing() -> None:
    assert explain(OLD, OLD) == ()


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        (
            (InputDigest("model", "", "c" * 64), OLD.inputs[1]),
            "input model changed: aaaaaaaaaaaa… → cccccccccccc…",
        ),
        (
            (OLD.inputs[0], InputDigest("model", "model.data", "c" * 64)),
            "input model (model.data) changed: bbbbbbbbbbbb… → cccccccccccc…",
        ),
        (OLD.inputs[:1], "input model (model.data) removed: bbbbbbbbbbbb…"),
        (
            (*OLD.inputs, InputDigest("tokenizer", "", "d" * 64)),
            "input tokenizer added: dddddddddddd…",
        ),
        (
            (*OLD.inputs, InputDigest("model", "", "d" * 64)),
            "input model added: dddddddddddd…",
        ),
    ],
)
def test_explain_names_the_input(inputs: tuple[InputDigest, ...], sentence: str) -> None:
    assert changed(inputs=inputs) == (sentence,)


def test_explain_names_each_parameter_with_both_values() -> None:
    assert changed(params=QuantizeParams("q4", "wasm", ("/head/*",), 64)) == (
        "parameter block_size: 32 → 64",
        'parameter dtype: "q8" → "q4"',
        'parameter nodes_to_exclude: [] → ["/head/*"]',
    )


def test_explain_names_code_files() -> None:
    code = (("modelpack/steps/quantize.py", "9" * 64), ("modelpack/units.py", "3" * 64))
    assert changed(code=code) == (
        "code modelpack/graph/io.py removed",
        "code modelpack/steps/quantize.py changed",
        "code modelpack/units.py added",
    )


def test_explain_names_tools_with_both_versions() -> None:
    assert changed(tools=(("onnx", "1.23.2"), ("onnxsim", "0.8.1"))) == (
        "numpy 2.4.6 → none",
        "onnx 1.22.0 → 1.23.2",
        "onnxsim none → 0.8.1",
    )


def test_explain_names_the_processor() -> None:
    assert changed(platform="x86_64-avx2") == ("processor: none → x86_64-avx2",)


def test_explain_puts_inputs_first() -> None:
    found = changed(platform="x", inputs=OLD.inputs[:1], tools=OLD.tools[:1])
    assert [sentence.split()[0] for sentence in found] == ["input", "onnx", "processor:"]
