"""Half precision node by node: in models with branches, loops or integers inside, or nodes that lose their device by it.

1. Large weights are stored in float16 wherever they lie, but for what float16 cannot hold and what is excluded.
2. A node is computed in float16 where values were seen at everything float32 it reads and gives, all of them in range.
   One that no input reaches stays in float32.
3. A node that the device has a kernel for in float32 alone stays in float32, and reads its weights through a cast.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import onnx_ir as ir
from msgspec import Struct

from modelpack.graph.compatibility.table import shipped_table
from modelpack.graph.feeds import Feeds
from modelpack.graph.io import read_model
from modelpack.graph.recipes.applied import Applied, Narrowed
from modelpack.graph.recipes.element_types import ElementTypes, bodies_of, float_values
from modelpack.graph.recipes.half_nodes import compute_in_halves, constant_of, holds
from modelpack.graph.recipes.half_support import WRITTEN, HalfSupport
from modelpack.graph.recipes.halves import store_halves
from modelpack.graph.recipes.islands import SCHEME, WITH_ISLANDS, is_too_large, island_note
from modelpack.graph.recipes.watched import NOT_SEEN, magnitudes
from modelpack.spec.variants import Device

Ruling = Literal["half", "apart", "undefined", "device", "unseen", "overflow"]
_SHAPES = frozenset({"Shape", "Size"})  # they look at no numbers
_WORST_FIRST: tuple[Ruling, ...] = ("overflow", "unseen", "half")
_REASONS: tuple[tuple[Ruling, str], ...] = (
    ("overflow", "where float16 would overflow"),
    ("unseen", "where no made-up input shows their values"),
    ("device", "which the device computes in float32 alone"),
    ("undefined", "whose operators are not converted"),
)


class HalfChoice(Struct, frozen=True):
    """The device, and the names of the nodes that are to stay as they are."""

    device: Device
    excluded: frozenset[str]


def halve_branches(
    source: Path, feeds: Sequence[Feeds], folder: Path, choice: HalfChoice
) -> Applied:
    """The model in half precision, but for the nodes that cannot be."""
    model = read_model(source)
    types = ElementTypes(model, shipped_table())
    judge = _Judge(model, types, magnitudes(source, feeds, folder), choice)
    rulings = [(node, judge.ruling(node)) for node in model.graph.all_nodes()]
    halves = [node for node, ruling in rulings if ruling == "half"]
    computed = {name for node in halves for name in _inputs_of(node)}
    stored = store_halves(model, choice.excluded)
    compute_in_halves(model, types, halves)
    model.graph.sort()
    overflows = any(ruling == "overflow" for _, ruling in rulings)
    scheme = WITH_ISLANDS if overflows else SCHEME
    narrowed = tuple(
        Narrowed(each.name, scheme, each.size_bytes) if each.name in computed else each
        for each in stored.narrowed
    )
    return Applied(model, narrowed, (*_notes(rulings), *stored.notes))


class _Judge:
    def __init__(
        self,
        model: ir.Model,
        types: ElementTypes,
        largest: Sequence[float],
        choice: HalfChoice,
    ) -> None:
        values = float_values(model, types)
        self._largest = {id(each): found for each, found in zip(values, largest, strict=True)}
        self._support = HalfSupport(model, types, choice.device)
        self._types, self._excluded = types, choice.excluded

    def ruling(self, node: ir.Node) -> Ruling:
        """What is to become of the node."""
        values = list(self._floats(node))
        if not values or node.name in self._excluded or any(bodies_of(node)):
            return "apart"
        if node.op_type in WRITTEN:
            return "apart"
        if not self._support.can_be_half(node):
            return "undefined"
        if self._support.loses_device(node):
            return "device"
        found = {self._fit(value) for value in values}
        if node.op_type in _SHAPES and found != {"half"}:
            return "apart"
        return min(found, key=_WORST_FIRST.index)

    def _floats(self, node: ir.Node) -> Iterator[ir.Value]:
        """The values of the node that become float16 with it, those whose type nobody knows included."""
        typed = self._types.node(node)
        if typed is None:
            return
        formals = (
            *zip(node.inputs, typed.inputs, strict=True),
            *zip(node.outputs, typed.outputs, strict=True),
        )
        for value, formal in formals:
            if value is not None and value.name and typed.is_float(formal):
                yield value

    def _fit(self, value: ir.Value) -> Ruling:
        constant = constant_of(value)
        if constant is not None:
            return "half" if holds(constant) else "overflow"
        largest = self._largest.get(id(value), NOT_SEEN)
        if largest == NOT_SEEN:
            return "unseen"
        return "overflow" if is_too_large(largest) else "half"


def _inputs_of(node: ir.Node) -> Iterator[str]:
    return (value.name or "" for value in node.inputs if value is not None)


def _notes(rulings: Sequence[tuple[ir.Node, Ruling]]) -> Iterator[str]:
    for ruling, reason in _REASONS:
        nodes = [node for node, found in rulings if found == ruling]
        if nodes:
            yield island_note(_labels(nodes, ruling), reason)


def _labels(nodes: Sequence[ir.Node], ruling: Ruling) -> list[str]:
    """The nodes by name where a value of theirs decided, by operator where that did."""
    if ruling in {"overflow", "unseen"}:
        return [node.name or node.op_type for node in nodes]
    return [node.op_type for node in nodes]
