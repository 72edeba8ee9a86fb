"""What the recipes write for a device, against what the table says that it runs: neither may drift from the other."""

from __future__ import annotations

import onnx
import onnx_ir as ir
import pytest
from onnx import helper

from modelpack.graph.compatibility.check import check_graph
from modelpack.graph.compatibility.support import newest_release, support_of
from modelpack.graph.compatibility.table import shipped_table
from modelpack.spec.variants import Device, Dtype
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import narrowed

WRITTEN: tuple[tuple[Dtype, Device], ...] = (
    *(("q8", device) for device in ("wasm", "webgpu", "webnn")),
    *(("uint8", device) for device in ("wasm", "webgpu", "webnn")),
    *(("q4", device) for device in ("wasm", "webgpu", "webnn")),
    *(("bnb4", device) for device in ("wasm", "webgpu")),
)
# Operators that a recipe writes for one device and, on purpose, not for another that has a kernel. Seen on 2026-11-20 in
# Chromium 156 with SwiftShader and onnxruntime-web 1.30.0, ort.webgpu.min.mjs, falling back forbidden.
DIFFERENCES = {
    ("q4", "webgpu", "com.microsoft.GatherBlockQuantized"): (
        "runs there (3e-8 off native), but the build's own wasm cannot create the session: "
        "'Could not find an implementation for GatherBlockQuantized(1)'"
    ),
    ("q4", "webnn", "com.microsoft.GatherBlockQuantized"): (
        "only documented: no browser here has WebNN, and the same build's wasm lacks it"
    ),
    **{
        (
            dtype,
            "webnn",
            operator,
        ): "docs/webnn-operators.md: made of casts and float products there"
        for dtype in ("q8", "uint8")
        for operator in ("MatMulInteger", "DynamicQuantizeLinear")
    },
}


def words() -> onnx.ModelProto:
    """`ids` int64 [1, 4] → `y` float32 [1, 4, 32]: a look-up, a product, and a filter over them."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], "/rows"),
        helper.make_node("MatMul", ["rows", "w"], ["h"], "/product"),
        helper.make_node("Transpose", ["h"], ["t"], "/turn", perm=[0, 2, 1]),
        helper.make_node("Conv", ["t", "filters"], ["y"], "/filter"),
    ]
    weights = [
        tensor("table", weights_like(0, 64, 64)),
        tensor("w", weights_like(1, 64, 64)),
        tensor("filters", weights_like(2, 32, 64, 1)),
    ]
    ids = value("ids", [1, 4], onnx.TensorProto.INT64)
    return onnx_models.model(nodes, [ids], [value("y", [1, 32, 4])], weights)


def operators(dtype: Dtype, device: Device) -> set[str]:
    nodes = narrowed(words(), dtype, device).model.graph.all_nodes()
    return {f"{node.domain}.{node.op_type}" if node.domain else node.op_type for node in nodes}


@pytest.mark.parametrize(("dtype", "device"), WRITTEN)
def test_what_recipes_write_runs_on_their_device(dtype: Dtype, device: Device) -> None:
    table = shipped_table()
    support = support_of(table, newest_release(table), device)
    assert support is not None
    model = ir.to_proto(narrowed(words(), dtype, device).model)
    assert check_graph(model, support, table).found == ()


@pytest.mark.parametrize(("dtype", "device"), WRITTEN)
def test_what_recipes_leave_out_on_a_device_is_missing_or_a_named_difference(
    dtype: Dtype, device: Device
) -> None:
    table = shipped_table()
    support = support_of(table, newest_release(table), device)
    assert support is not None
    left_out = operators(dtype, "wasm") - operators(dtype, device)
    there = {operator for operator in left_out if support.place(operator, 11, {}) == "device"}
    assert there == {named for *pair, named in DIFFERENCES if pair == [dtype, device]}


def test_bnb4_is_refused_where_the_newest_release_has_no_kernel_for_it() -> None:
    table = shipped_table()
    places = {}
    for device in ("wasm", "webgpu", "webnn"):
        support = support_of(table, newest_release(table), device)
        assert support is not None
        places[device] = support.place("com.microsoft.MatMulBnb4", 1, {"T1": "float"})
    assert places == {"wasm": "device", "webgpu": "device", "webnn": "wasm"}
