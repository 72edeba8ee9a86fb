"""What the shipped table says of operators whose places are known from elsewhere."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from modelpack.graph.compatibility.support import Place, Support, support_of
from modelpack.graph.compatibility.table import shipped_table
from modelpack.spec.variants import Device


def support(device: Device) -> Support:
    found = support_of(shipped_table(), "1.30.0", device)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("operator", "since", "types", "on_wasm", "on_webgpu"),
    [
        ("MatMul", 13, {"T": "float"}, "device", "device"),
        ("MatMul", 13, {"T": "int64"}, "device", "wasm"),
        ("MatMul", 13, {"T": "bfloat16"}, "nowhere", "nowhere"),
        ("MatMulInteger", 10, {"T1": "uint8", "T2": "int8"}, "device", "wasm"),
        ("DynamicQuantizeLinear", 11, {"T1": "float"}, "device", "wasm"),
        ("DequantizeLinear", 13, {"T": "int8"}, "device", "device"),
        ("Conv", 11, {"T": "float"}, "device", "device"),
        ("Conv", 11, {"T": "double"}, "nowhere", "nowhere"),
        ("NonMaxSuppression", 11, {}, "device", "wasm"),
        ("StringNormalizer", 10, {}, "device", "nowhere"),
        ("com.microsoft.MatMulNBits", 1, {"T1": "float", "T2": "uint8"}, "device", "device"),
        ("com.microsoft.GroupNorm", 1, {"T": "float"}, "nowhere", "nowhere"),
        ("ConcatFromSequence", 11, {}, "unknown", "unknown"),
    ],
)
def test_support_places_operators_as_1_30_does(
    operator: str, since: int, types: dict[str, str], on_wasm: Place, on_webgpu: Place
) -> None:
    assert support("wasm").place(operator, since, types) == on_wasm
    assert support("webgpu").place(operator, since, types) == on_webgpu


def test_support_of_webnn_takes_operators_older_than_any_opset_that_is_read() -> None:
    assert support("webnn").place("GlobalAveragePool", 1, {"T": "float16"}) == "device"
    assert support("webnn").place("DequantizeLinear", 10, {"T": "int8"}) == "device"
    assert support("webnn").place("NonMaxSuppression", 11, {}) == "wasm"


def test_support_of_an_unknown_type_takes_any_kernel() -> None:
    assert support("webgpu").place("MatMul", 13, {"T": ""}) == "device"


def test_support_knows_the_builds_of_each_device() -> None:
    assert support("wasm").build == "ort-wasm-simd-threaded"
    assert support("webgpu").build == "ort-wasm-simd-threaded.asyncify"
    assert (support("wasm").evidence, support("webnn").evidence) == ("tried", "documented")
    assert support("webgpu").opsets == (7, 26)


def test_support_of_a_release_that_documents_no_webnn_is_none() -> None:
    table = shipped_table()
    build = table.releases["1.30.0"].builds["ort-wasm-simd-threaded.asyncify"]
    providers = {name: one for name, one in build.providers.items() if name != "webnn"}
    release = replace(
        table.releases["1.30.0"],
        builds={"ort-wasm-simd-threaded.asyncify": replace(build, providers=providers)},
    )
    assert support_of(replace(table, releases={"1.30.0": release}), "1.30.0", "webnn") is None
