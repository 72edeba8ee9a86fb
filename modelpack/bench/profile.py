"""Which operators take the time: onnxruntime's profile beside the weights that each node of the optimised graph reads."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec
import onnx
from msgspec import Struct

from modelpack.measured import OperatorTime

_MOST_NODES = 20
_KERNEL = "_kernel_time"
_FOUR_BITS = frozenset({onnx.TensorProto.INT4, onnx.TensorProto.UINT4})


class Profile(Struct, frozen=True):
    """`operators`: every kind of operator with all its nodes' time and weights. `nodes`: the slowest nodes."""

    operators: tuple[OperatorTime, ...]
    nodes: tuple[OperatorTime, ...]


class _Arguments(Struct, frozen=True):
    op_name: str = ""


class _Event(Struct, frozen=True):
    name: str = ""
    cat: str = ""
    dur: int = 0
    args: _Arguments = _Arguments()


def profile_of(events: Path, graph: Path) -> Profile:
    """The profile in onnxruntime's file `events`, of the session whose optimised graph is at `graph`."""
    return _summary(msgspec.json.decode(events.read_bytes(), type=list[_Event]), _weights(graph))


def _summary(events: Iterable[_Event], weights: Mapping[str, int]) -> Profile:
    times: dict[tuple[str, str], int] = defaultdict(int)
    for event in events:
        if event.cat == "Node" and event.name.endswith(_KERNEL):
            times[event.name.removesuffix(_KERNEL), event.args.op_name] += event.dur
    total = sum(times.values()) or 1
    nodes = [
        OperatorTime(node, operator, duration / total, weights.get(node, 0))
        for (node, operator), duration in times.items()
    ]
    return Profile(_by_operator(nodes), _largest(nodes)[:_MOST_NODES])


def _by_operator(nodes: Iterable[OperatorTime]) -> tuple[OperatorTime, ...]:
    shares: dict[str, float] = defaultdict(float)
    weights: dict[str, int] = defaultdict(int)
    for node in nodes:
        shares[node.operator] += node.share
        weights[node.operator] += node.weight_bytes
    return _largest(OperatorTime("", name, shares[name], weights[name]) for name in shares)


def _largest(found: Iterable[OperatorTime]) -> tuple[OperatorTime, ...]:
    return tuple(sorted(found, key=lambda one: (-one.share, one.operator, one.node)))


def _weights(graph: Path) -> dict[str, int]:
    """The bytes of the weights that each node reads, by the node's name."""
    model = onnx.load(graph, load_external_data=False)
    sizes = {tensor.name: _size(tensor) for tensor in model.graph.initializer}
    return {node.name: sum(sizes.get(name, 0) for name in node.input) for node in model.graph.node}


def _size(tensor: onnx.TensorProto) -> int:
    count = math.prod(tensor.dims)
    if tensor.data_type in _FOUR_BITS:
        return (count + 1) // 2
    return count * int(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
