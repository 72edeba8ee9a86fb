"""The recipes fp16 and q4f16: computed in half precision where that is known to work, else stored in it.

1. webgpu: onnxruntime's converter, inputs and outputs kept in float32. Nodes that read or give values outside the range
   of float16 on made-up inputs stay float32 (islands); so do excluded ones.
2. Models with branches or loops, with integers inside, and with nodes that lose their device in float16 are converted
   by `branches`: the converter knows none of them.
3. What the converter gives must load and agree with the original, or the model is only stored in float16. Agreement
   alone would not do: onnxruntime's processor kernels compute much of float16 in float32 and hide overflows.
4. wasm: only stored. WebAssembly has no half-precision arithmetic; onnxruntime would cast at every node.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path

import onnx
import onnx_ir as ir
import onnx_ir.passes.common
from msgspec import Struct
from onnxruntime.transformers.float16 import convert_float_to_float16

from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import Feeds, first_line
from modelpack.graph.io import read_model, read_proto, write_model
from modelpack.graph.recipes.applied import Applied, Narrowed
from modelpack.graph.recipes.assignment import kept_nodes
from modelpack.graph.recipes.branches import HalfChoice, halve_branches
from modelpack.graph.recipes.compare import largest_error
from modelpack.graph.recipes.forced import accepted_feeds, forced_copy
from modelpack.graph.recipes.half_support import needs_care
from modelpack.graph.recipes.halves import SCHEME as STORED
from modelpack.graph.recipes.halves import store_halves
from modelpack.graph.recipes.islands import SCHEME, WITH_ISLANDS, island_note, overflowing_nodes
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.mixed import apply_mixed
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import Device, RecipeSettings

# float16 keeps 11 bits, an error of 5e-4 per rounding; over some tens of layers that adds up to 1e-2 of the largest
# output (measured on made-up inputs: ultraface 0.004, magika 0.010). A mistake in the graph costs far more.
TOLERANCE = 0.02

_BETWEEN = frozenset({"QuantizeLinear", "DequantizeLinear"})
_INPUT_CAST = "graph_input_cast"  # names the converter gives
_OUTPUT_CAST = "_cast_to_fp16_node"
_DOES_NOT_FIT: tuple[type[Exception], ...] = (*ONNXRUNTIME_ERRORS, ir.serde.SerdeError, ValueError)


class Trial(Struct, frozen=True):
    """What a conversion is tried on: the original's file, inputs for it, and a folder for attempts."""

    source: Path
    feeds: tuple[Feeds, ...]
    folder: Path


def apply_half(trial: Trial, params: QuantizeParams, excluded: Collection[str]) -> Applied:
    """fp16 and q4f16: the model with the weights that are to be integers as such, and that in half precision.

    Half precision is held against the model with integers, not the original: 4 bits alone are further off than it may be.
    Unchanged where q4 changes nothing.
    """
    device, overrides = params.device, params.settings.overrides
    original = read_model(trial.source)
    kept = {*excluded, *kept_nodes(original, overrides)}
    if params.dtype == "fp16" and params.settings == RecipeSettings():
        return apply_fp16(trial, device, kept)
    names = {name for graph in original.graphs() for name in graph.initializers}
    # The converter casts at the edge of an island only where it knows types, and onnx infers none behind contrib operators.
    # Models with branches it does not convert (case 2), and what onnx infers inside theirs is wrong at times: a T5 decoder
    # with inferred shapes does not load.
    if not _has_branches(original):
        ir.passes.common.ShapeInferencePass(check_type=False, strict_mode=False)(original)
    integers = apply_mixed(original, params, excluded)
    if params.dtype == "q4f16" and not integers.narrowed:
        return integers
    folder = trial.folder / "integers"
    folder.mkdir()
    source = write_model(integers.model, folder)[0]
    halves = apply_fp16(Trial(source, trial.feeds, trial.folder), device, kept)
    others = [weight for weight in halves.narrowed if weight.name in names]  # not scales
    notes = (*integers.notes, *halves.notes)
    return Applied(halves.model, (*integers.narrowed, *others), notes)


def apply_fp16(trial: Trial, device: Device, excluded: Collection[str]) -> Applied:
    """The model in half precision."""
    if device == "wasm":
        return store_halves(read_model(trial.source), excluded)
    if not trial.feeds:
        return _stored(trial, excluded, "no made-up inputs run in it, so values cannot be compared")
    try:
        converted = _converted(trial, device, excluded)
        error = _error(trial, converted.model)
    except _DOES_NOT_FIT as err:
        return _stored(trial, excluded, f"converted, it does not load ({first_line(err)})")
    if converted.scheme == STORED:
        return _stored(trial, excluded, "what reads its weights stays in it", converted.notes)
    if not error <= TOLERANCE:
        return _stored(trial, excluded, f"converted, it is {error:.2g} off")
    return converted


def _has_branches(model: ir.Model) -> bool:
    return len(list(model.graphs())) > 1


def _stored(
    trial: Trial, excluded: Collection[str], reason: str, more: tuple[str, ...] = ()
) -> Applied:
    applied = store_halves(read_model(trial.source), excluded)
    note = f"stored in float16 but computed in float32: {reason}"
    return Applied(
        applied.model, applied.narrowed, tuple(dict.fromkeys((note, *more, *applied.notes)))
    )


def _converted(trial: Trial, device: Device, excluded: Collection[str]) -> Applied:
    if needs_care(read_model(trial.source), device):
        choice = HalfChoice(device, frozenset(excluded))
        return halve_branches(trial.source, trial.feeds, trial.folder / "watched", choice)
    return _by_converter(trial, excluded)


def _by_converter(trial: Trial, excluded: Collection[str]) -> Applied:
    proto = read_proto(trial.source)
    islands = overflowing_nodes(proto, trial.feeds, trial.folder / "exposed")
    kept = sorted({*islands, *excluded, *_scaled(proto)})
    before = _floats(proto)
    converted = convert_float_to_float16(proto, keep_io_types=True, node_block_list=kept)
    _drop_repeated_casts(converted.graph)
    scheme = WITH_ISLANDS if islands else SCHEME
    narrowed = tuple(
        Narrowed(tensor.name, scheme, len(tensor.raw_data))
        for tensor in converted.graph.initializer
        if tensor.name in before and tensor.data_type == onnx.TensorProto.FLOAT16
    )
    model = ir.from_proto(converted)
    _join_islands(model)
    model.graph.sort()  # the converter puts its casts at the end
    notes = (island_note(islands, "where float16 would overflow"),) if islands else ()
    return Applied(model, narrowed, notes)


def _scaled(proto: onnx.ModelProto) -> Iterator[str]:
    """The nodes between integers and floats: before opset 19 their scales are float32, which the converter does not know."""
    return (node.name for node in proto.graph.node if node.op_type in _BETWEEN)


def _floats(proto: onnx.ModelProto) -> set[str]:
    floats = onnx.TensorProto.FLOAT
    return {tensor.name for tensor in proto.graph.initializer if tensor.data_type == floats}


def _drop_repeated_casts(graph: onnx.GraphProto) -> None:
    """A value that several float32 nodes read is cast once for each by the converter, always to the same name."""
    seen: set[str] = set()
    for node in list(graph.node):
        if node.op_type == "Cast" and node.output[0] in seen:
            graph.node.remove(node)
        seen.update(node.output)


def _join_islands(model: ir.Model) -> None:
    """Lets a float32 node read what another float32 node, or the graph's input, gives.

    The converter casts it to float16 and back in between, which is where it would overflow.
    """
    for node in model.graph.all_nodes():
        before = node.inputs[0].producer() if node.op_type == "Cast" and node.inputs[0] else None
        if before is None or not (node.name or "").endswith("_cast_to_fp32_node"):
            continue
        name = before.name or ""
        if name.startswith(_INPUT_CAST) or name.endswith(_OUTPUT_CAST):
            node.outputs[0].replace_all_uses_with(known(before.inputs[0], "a cast's input"))
    ir.passes.common.RemoveUnusedNodesPass()(model)


def _error(trial: Trial, model: ir.Model) -> float:
    """The largest error of any output, each `If` forced to either side included."""
    attempt = trial.folder / "attempt"
    attempt.mkdir()
    made = write_model(model, attempt)[0]
    error = largest_error(trial.source, made, trial.feeds)
    for choice in ("then", "else"):
        original = forced_copy(trial.source, choice, attempt / f"{choice}-original")
        attempted = forced_copy(made, choice, attempt / f"{choice}-made")
        if original and attempted:
            feeds = accepted_feeds(original, trial.feeds)
            error = max(error, largest_error(original, attempted, feeds))
    return error
