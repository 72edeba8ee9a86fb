"""The verdict on a trial. Runs in a worker: it reads graphs and arrays.

1. A variant of which no session is created, or that stops, fails. The node is named, where onnxruntime-web names it.
2. A node that another provider ran than the device's fails, unless it reads only what lies on the processor anyway
   (`graph/compatibility/check.py`), or the configuration accepts it. Nodes that onnxruntime made count for the nodes
   whose names they carry.
3. Outputs that are far from the native ones of the same variant fail.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

import onnx

from modelpack.bench.packs import decode_feeds
from modelpack.bench.trial.distance import far_outputs
from modelpack.bench.trial.handover import Judging, RanNode
from modelpack.bench.trial.refusals import Refusal, refusal_of
from modelpack.errors import CompatibilityError
from modelpack.graph.compatibility.check import Found, near_nodes
from modelpack.graph.compatibility.naming import counted, operator_of, reason_for
from modelpack.graph.compatibility.remedies import remedy_for
from modelpack.graph.compatibility.support import newest_release, support_of, table_release
from modelpack.graph.compatibility.table import shipped_table
from modelpack.graph.parsing import parse_graph
from modelpack.graph.walk import node_label
from modelpack.graph.walk import nodes as walk_nodes

_CODE: Final = "MP-E454"
_WASM: Final = (
    "CPUExecutionProvider"  # what onnxruntime calls the kernels that are compiled to WebAssembly
)
# What onnxruntime puts between nodes is named after values, which are named after nodes.
_BETWEEN: Final = frozenset({"Cast", "MemcpyFromHost", "MemcpyToHost"})


def judge_trial(judging: Judging) -> tuple[str, ...]:
    """What is to be said of a variant that passes. Raises: CompatibilityError MP-E454 where it does not."""
    model = parse_graph(judging.graph)
    if judging.answer.stage != "done":
        raise _refused(judging, model, refusal_of(judging.answer.message))
    notes = tuple(_check_places(judging, model))
    _check_outputs(judging, model)
    return notes


def _refused(judging: Judging, model: onnx.ModelProto, refusal: Refusal) -> CompatibilityError:
    verb = "is refused" if judging.answer.stage == "session" else "stops"
    found = _named(model, refusal.node, refusal.operator)
    if found is None:
        return CompatibilityError(
            _CODE,
            f"{verb} by {_runtime(judging)}: {refusal.message}",
            remedy="use another dtype or device, or another release of onnxruntime-web",
        )
    return CompatibilityError(
        _CODE,
        f'{verb} at node "{found.node}" ({found.operator}) by {_runtime(judging)}: {refusal.message}',
        remedy=remedy_for(found, judging.device),
    )


def _named(model: onnx.ModelProto, name: str, operator: str) -> Found | None:
    """The node of that name; where none has it, the first of the operator, or the operator itself."""
    nodes = list(walk_nodes(model))
    of_name = [node for node in nodes if name and node_label(node) == name]
    kind = re.split("[.:]", operator)[-1]
    of_operator = [node for node in nodes if node.op_type == kind]
    for node in of_name or of_operator:
        return Found(node_label(node), operator_of(node), 0, (), "nowhere")
    return (
        Found(name or operator, operator or "made by onnxruntime", 0, (), "nowhere")
        if name or operator
        else None
    )


def _check_places(judging: Judging, model: onnx.ModelProto) -> Iterator[str]:
    if judging.device == "wasm":
        return
    ran = judging.answer.nodes
    if not ran:
        yield f"onnxruntime-web {judging.release} gave no profile: where its nodes run was not checked"
    silent = _silent(judging, model, _fallen([one for one in ran if one.provider == _WASM], model))
    if silent:
        raise _fell_back(judging, silent)


def _fallen(ran: list[RanNode], model: onnx.ModelProto) -> list[onnx.NodeProto]:
    """The graph's nodes behind what ran elsewhere."""
    known = {node_label(node): node for node in walk_nodes(model)}
    names = {one.name for one in ran}
    made = [one.name for one in ran if one.name not in known and one.operator not in _BETWEEN]
    return [
        node
        for label, node in known.items()
        if label in names or any(_carries(name, node.name) for name in made)
    ]


def _carries(made: str, name: str) -> bool:
    """Whether a fused node's name, such as `fused conv1`, has this name in it as a whole."""
    return bool(name) and re.search(rf"(?<![^ _]){re.escape(name)}(?![^ _])", made) is not None


def _silent(
    judging: Judging, model: onnx.ModelProto, fallen: list[onnx.NodeProto]
) -> list[onnx.NodeProto]:
    """Those that are meant to run on the device, and that nobody accepted."""
    table = shipped_table()
    release = table_release(table, judging.release) or newest_release(table)
    support = support_of(table, release, judging.device)
    near = near_nodes(model, support, table) if support else frozenset()
    return [
        node
        for node in fallen
        if node_label(node) not in near
        and reason_for(operator_of(node), node_label(node), judging.accepted) is None
    ]


def _fell_back(judging: Judging, nodes: list[onnx.NodeProto]) -> CompatibilityError:
    first, *others = nodes
    rest = counted(map(operator_of, others))
    found = Found(node_label(first), operator_of(first), 0, (), "wasm")
    return CompatibilityError(
        _CODE,
        f'node "{found.node}" ({found.operator}) silently ran on wasm, not on {judging.device}, in '
        f"{_runtime(judging)}{f'; so did {len(others)} more ({rest})' if others else ''}",
        remedy=remedy_for(found, judging.device),
    )


def _check_outputs(judging: Judging, model: onnx.ModelProto) -> None:
    fixed = {value.name: _fixed_axes(value) for value in model.graph.output}
    for index in range(judging.samples):
        expected, found = (
            decode_feeds((folder / str(index)).read_bytes())
            for folder in (judging.expected, judging.outputs)
        )
        far = [f'output "{one.output}" {one.found}' for one in far_outputs(expected, found, fixed)]
        if far:
            raise CompatibilityError(
                _CODE,
                f"{', '.join(far)} in {_runtime(judging)}, compared with the same variant natively",
                remedy="use another dtype or device, or another release of onnxruntime-web; "
                f"`modelpack bench {judging.target} --only browser` measures it on the whole golden set",
            )


def _fixed_axes(value: onnx.ValueInfoProto) -> tuple[int, ...]:
    sizes = value.type.tensor_type.shape.dim
    return tuple(axis for axis, size in enumerate(sizes) if size.HasField("dim_value"))


def _runtime(judging: Judging) -> str:
    return f"onnxruntime-web {judging.release} ({judging.device}, {judging.browser})"
