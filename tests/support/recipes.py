"""Running what a recipe made beside what it was made from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper

from modelpack.graph.io import write_model
from modelpack.graph.recipes.applied import Applied
from modelpack.graph.recipes.mixed import apply_mixed
from modelpack.graph.sessions import Array, open_session, run_session
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import Device, Dtype, RecipeSettings
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like

Feeds = Mapping[str, Array]
_USUAL = RecipeSettings()


def narrowed(
    proto: onnx.ModelProto,
    dtype: Dtype,
    device: Device = "wasm",
    settings: RecipeSettings = _USUAL,
    excluded: Sequence[str] = (),
) -> Applied:
    """What the recipe of these makes of the model; `excluded` are names of nodes."""
    params = QuantizeParams(dtype, device, (), 32, settings)
    return apply_mixed(ir.from_proto(proto), params, excluded)


def floats(seed: int, *shape: int) -> NDArray[np.float32]:
    """Random numbers, float32, normal with deviation 1."""
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def operators(model: ir.Model) -> Counter[str]:
    """How often each operator occurs, subgraphs included."""
    return Counter(node.op_type for node in model.graph.all_nodes())


def initializers(model: ir.Model) -> dict[str, ir.DataType]:
    """The types of the main graph's initialisers."""
    return {
        name: found.dtype
        for name, found in model.graph.initializers.items()
        if found.dtype is not None
    }


def outputs(model: ir.Model | onnx.ModelProto, feeds: Feeds, folder: Path) -> dict[str, Array]:
    """What the model gives in onnxruntime."""
    loaded = ir.from_proto(model) if isinstance(model, onnx.ModelProto) else model
    place = folder / f"run{len(list(folder.iterdir()))}"
    place.mkdir()
    return run_session(open_session(write_model(loaded, place)[0]), feeds)


def largest_error(
    before: onnx.ModelProto, after: ir.Model, feeds: Feeds, folder: Path
) -> tuple[float, float]:
    """The largest difference of any output, and the largest magnitude of any output before."""
    expected, found = outputs(before, feeds, folder), outputs(after, feeds, folder)
    errors = [
        np.abs(np.subtract(expected[name], found[name], dtype=np.float64)).max()
        for name in expected
    ]
    return float(max(errors)), float(max(np.abs(array).max() for array in expected.values()))


def one_node(
    operator: str,
    shape: Sequence[int],
    weight: NDArray[np.float32],
    result: Sequence[int | str],
    **attributes: int,
) -> onnx.ModelProto:
    """`x` float32 `shape` → `y` of one node `/node` that reads the weight `w` second."""
    node = helper.make_node(operator, ["x", "w"], ["y"], "/node")
    node.attribute.extend(helper.make_attribute(*each) for each in sorted(attributes.items()))
    return onnx_models.model(
        [node], [value("x", list(shape))], [value("y", list(result))], [tensor("w", weight)]
    )


def lifted_if_net() -> onnx.ModelProto:
    """`x` float32 [1, 32], `flag` bool [] → `y` [1, 64]; both branches multiply by their own weight of the main graph."""
    branches = [
        helper.make_graph(
            [helper.make_node("MatMul", ["x", f"{name}.weight"], [f"{name}_y"], f"/{name}/MatMul")],
            name,
            [],
            [value(f"{name}_y", [1, 64])],
        )
        for name in ("then", "else")
    ]
    node = helper.make_node(
        "If", ["flag"], ["y"], "/if", then_branch=branches[0], else_branch=branches[1]
    )
    weights = [
        tensor(f"{name}.weight", weights_like(seed, 32, 64))
        for seed, name in enumerate(("then", "else"))
    ]
    inputs = [value("x", [1, 32]), value("flag", [], onnx.TensorProto.BOOL)]
    return onnx_models.model([node], inputs, [value("y", [1, 64])], weights)


def two_layers() -> onnx.ModelProto:
    """`x` float32 [2, 32] → `y` [2, 32]: products `/first` and `/second` with a Relu between them."""
    nodes = [
        helper.make_node("MatMul", ["x", "first"], ["a"], "/first"),
        helper.make_node("Relu", ["a"], ["b"], "/relu"),
        helper.make_node("MatMul", ["b", "second"], ["y"], "/second"),
    ]
    weights = [
        tensor(name, weights_like(seed, 32, 32)) for seed, name in enumerate(("first", "second"))
    ]
    return onnx_models.model(nodes, [value("x", [2, 32])], [value("y", [2, 32])], weights)


def wide_embedding_net() -> onnx.ModelProto:
    """`onnx_models.embedding_net` with a product large enough to be narrowed: `embedding` is float32 [batch, 64]."""
    proto = onnx_models.embedding_net()
    proto.graph.initializer[1].CopyFrom(tensor("pooler.weight", weights_like(1, 32, 64)))
    proto.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 64
    return proto
