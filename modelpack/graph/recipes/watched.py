"""The largest magnitude of every float32 value of a model, those inside branches and loops included.

The model is run with values instead of outputs. What lies in a subgraph cannot be an output of the model, so each scope
gathers one vector, float32 [values], and hands it up:

1. If: the branch that is not taken gives NOT_SEEN for each of its values.
2. Loop and Scan: the vectors of all turns, of which the largest numbers count; NOT_SEEN where there are no turns.
3. Any other operator with a subgraph: nothing in it is seen.

Inputs reach one side of most branches, so the model also runs with those of the main graph forced.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx_ir as ir

from modelpack.graph.compatibility.table import shipped_table
from modelpack.graph.feeds import Feeds, refusal
from modelpack.graph.io import read_model, write_model
from modelpack.graph.recipes.element_types import ElementTypes, bodies_of, float_values
from modelpack.graph.recipes.forced import CHOICES, force_branches, open_forced
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.opset import opset_of
from modelpack.graph.recipes.rewrite import Attribute, Builder
from modelpack.graph.sessions import run_session

NOT_SEEN = -1.0
_OLDEST_OPSET = 9  # Where, and Scan without batches
_AXES_ARE_INPUTS = 18  # the opset from which on ReduceMax takes them so
_OUTPUT = "watched"

Seen = tuple[ir.Value, list[int]]  # a vector, and which value each of its numbers is of


def magnitudes(source: Path, feeds: Sequence[Feeds], folder: Path) -> tuple[float, ...]:
    """The largest finite magnitude of each of the model's `float_values`; NOT_SEEN where nothing reaches it."""
    found: dict[int, float] = {}
    count = 0
    for choice in CHOICES:
        model = read_model(source)
        values = float_values(model, ElementTypes(model, shipped_table()))
        count = len(values)
        all_seen = len(found) == count and NOT_SEEN not in found.values()
        if opset_of(model) < _OLDEST_OPSET or all_seen:
            break
        if not force_branches(model, choice):
            continue
        probe = _Probe(model, {id(value): index for index, value in enumerate(values)})
        place = folder / f"watched-{choice}"
        place.mkdir(parents=True)
        for largest in _runs(probe.write(place), feeds):
            for index, magnitude in zip(probe.order, largest, strict=True):
                found[index] = max(magnitude, found.get(index, NOT_SEEN))
    return tuple(found.get(index, NOT_SEEN) for index in range(count))


def _runs(path: Path, feeds: Sequence[Feeds]) -> Iterator[list[float]]:
    """What each of the inputs that run gives."""
    session = open_forced(path)
    for feed in feeds:
        if session and not refusal(session, feed):
            yield run_session(session, feed)[_OUTPUT].tolist()


class _Probe:
    """A model that gives the magnitudes of its values; `order` says which."""

    def __init__(self, model: ir.Model, positions: Mapping[int, int]) -> None:
        self._model = model
        self._positions = positions
        self._new = Builder(model)
        self._one = self._new.initializer("watch_flat", np.array([-1], np.int64))
        self._none = self._new.initializer("watch_none", np.zeros(1, np.float32))
        self._infinity = self._new.initializer("watch_limit", np.array(np.inf, np.float32))
        self._first_axis = self._new.initializer("watch_turns", np.array([0], np.int64))
        vector, self.order = self._scope(model.graph)
        vector.name = _OUTPUT
        model.graph.outputs[:] = [vector]

    def write(self, folder: Path) -> Path:
        """The file of the model, in the folder."""
        return write_model(self._model, folder)[0]

    def _scope(self, graph: ir.Graph) -> Seen:
        values = [*graph.inputs, *(value for node in graph for value in node.outputs)]
        watched = [value for value in values if id(value) in self._positions]
        seen = [each for node in list(graph) for each in self._nested(node)]
        seen += [(self._largest(graph, each), [self._positions[id(each)]]) for each in watched]
        order = [position for _, positions in seen for position in positions]
        parts = [vector for vector, _ in seen] or [self._none]
        vector = self._add(graph, "Concat", parts, {"axis": 0})
        return _typed(vector, [len(order) if seen else 1]), order

    def _largest(self, graph: ir.Graph, value: ir.Value) -> ir.Value:
        """float32 [1]. Infinities and NaN count as nothing: masks are made of them."""
        flat = self._add(graph, "Reshape", [value, self._one])
        some = self._add(graph, "Concat", [flat, self._none], {"axis": 0})
        size = self._add(graph, "Abs", [some])
        finite = self._add(graph, "Less", [size, self._infinity])
        kept = self._add(graph, "Where", [finite, size, self._none])
        return self._add(graph, "ReduceMax", [kept], {"keepdims": 1})

    def _nested(self, node: ir.Node) -> Iterator[Seen]:
        bodies = list(bodies_of(node))
        given = bodies[0].outputs if bodies else ()
        outputs = len(node.outputs)
        match node.op_type:
            case "If" if len(given) == outputs:
                yield from self._branches(node, bodies)
            case "Loop" if len(given) == outputs + 1:
                yield from self._turns(node, bodies[0])
            case "Scan" if len(given) == outputs:
                yield from self._turns(node, bodies[0])
            case _:
                return

    def _branches(self, node: ir.Node, bodies: Sequence[ir.Graph]) -> Iterator[Seen]:
        scopes = [self._scope(body) for body in bodies]
        for taken, (vector, order) in enumerate(scopes):
            if not order:
                continue
            absent = self._absent([len(order)])
            for side, body in enumerate(bodies):
                other = vector if side == taken else self._add(body, "Identity", [absent])
                body.outputs.append(_typed(other, [len(order)]))
            yield _typed(self._output(node), [len(order)]), order

    def _turns(self, node: ir.Node, body: ir.Graph) -> Iterator[Seen]:
        vector, order = self._scope(body)
        if not order:
            return
        body.outputs.append(vector)
        _extend_scan(node)
        graph = known(node.graph, "a node's graph")
        rows = [self._output(node), self._absent([1, len(order)])]
        turns = self._add(graph, "Concat", rows, {"axis": 0})
        largest = self._add(graph, "ReduceMax", *self._over_turns(turns))
        yield _typed(largest, [len(order)]), order

    def _over_turns(self, turns: ir.Value) -> tuple[list[ir.Value], Mapping[str, Attribute]]:
        if opset_of(self._model) >= _AXES_ARE_INPUTS:
            return [turns, self._first_axis], {"keepdims": 0}
        return [turns], {"keepdims": 0, "axes": (0,)}

    def _absent(self, shape: Sequence[int]) -> ir.Value:
        return self._new.initializer("watch_absent", np.full(shape, NOT_SEEN, np.float32))

    def _output(self, node: ir.Node) -> ir.Value:
        node.resize_outputs(len(node.outputs) + 1)
        value = node.outputs[-1]
        value.name = self._new.free("watch_scope")
        return value

    def _add(
        self,
        graph: ir.Graph,
        operator: str,
        inputs: Sequence[ir.Value],
        attributes: Mapping[str, Attribute] | None = None,
    ) -> ir.Value:
        node = self._new.node(operator, inputs, "watch", attributes)
        graph.append(node)
        return node.outputs[0]


def _typed(value: ir.Value, shape: Sequence[int]) -> ir.Value:
    value.type, value.shape = ir.TensorType(ir.DataType.FLOAT), ir.Shape(shape)
    return value


def _extend_scan(node: ir.Node) -> None:
    """One more output, along the first axis and forwards, where the node says so of each."""
    for name in ("scan_output_axes", "scan_output_directions"):
        if name in node.attributes:
            each = list(node.attributes[name].as_ints())
            node.attributes[name] = ir.AttrInt64s(name, [*each, 0])
