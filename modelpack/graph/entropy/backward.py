"""The gradient of a model's outputs at the outputs of its products and look-ups, for one sample at a time.

1. onnxruntime runs the model forwards, with the values that derivatives need as extra outputs; numpy runs backwards.
2. Where an operator's derivative is not known, nothing before it on the way from the weights has a known gradient:
   such weights are left out, never given half of a gradient.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypeVar

import numpy as np
import onnx_ir as ir

from modelpack.graph.entropy.derivatives import DERIVATIVES, Values
from modelpack.graph.golden.samples import Sample
from modelpack.graph.io import read_model, write_model
from modelpack.graph.parallel import in_order
from modelpack.graph.recipes.weights import name_of
from modelpack.graph.sessions import Array, open_session, run_session

T = TypeVar("T")

_STANDARD = ("", "ai.onnx")
# What these give does not move when their inputs move a little.
_STEADY = frozenset(
    {
        "Shape",
        "Size",
        "Equal",
        "Greater",
        "GreaterOrEqual",
        "Less",
        "LessOrEqual",
        "ArgMax",
        "ArgMin",
        "IsNaN",
        "IsInf",
    }
)


class Tape:
    """Runs a model forwards and backwards. `reached` are the watched values whose gradient is known."""

    def __init__(self, source: Path, watched: Sequence[str], outputs: Sequence[str]) -> None:
        """`watched` are names of values; `outputs` are those whose gradient is sought (empty: all)."""
        self._model = read_model(source)
        self._outputs = tuple(outputs) or tuple(name_of(each) for each in self._model.graph.outputs)
        nodes = list(self._model.graph)
        active = _behind(nodes, set(watched))
        before = _before(nodes, set(self._outputs))
        on_path = [node for node in nodes if _gives(node) & active & before]
        unknown = _unknown(on_path, active & before)
        self.reached = frozenset(set(watched) & active & before - unknown)
        self._path = [node for node in on_path if not _gives(node) & unknown]
        self._active = active & before - unknown
        self._constants = {
            name: np.asarray(value.const_value.numpy())
            for name, value in self._model.graph.initializers.items()
            if value.const_value is not None
        }

    def run(
        self,
        samples: Sequence[Sample],
        extra: Sequence[str],
        take: Callable[[dict[str, Array], list[dict[str, Values]]], T],
    ) -> Iterator[T]:
        """What `take` makes of a sample's values, those watched and `extra`, and of the gradients of the reached values.

        A sample that comes several times in a row runs once, and has as many gradients. Samples run on several cores,
        `take` included; what it gives comes in their order. A gradient is that of one random projection of the outputs,
        each divided by its length: its square is, on average over projections, the relative squared error that
        `sensitivity` measures.
        """
        inputs = {name_of(value) for value in self._model.graph.inputs}
        names = self._needed() | set(extra)
        wanted = sorted(names - inputs - set(self._constants))
        with tempfile.TemporaryDirectory() as scratch:
            session = open_session(self._written(wanted, Path(scratch)))

            def one(numbered: tuple[Sample, list[int]]) -> T:
                sample, numbers = numbered
                feeds = {name: array for name, array in sample.feeds.items() if name in inputs}
                values = {**feeds, **run_session(session, feeds, wanted)}
                known = {**self._constants, **values}
                seeds = [self._seeds(values, np.random.default_rng(number)) for number in numbers]
                return take(values, [self._backwards(known, each) for each in seeds])

            yield from in_order(one, _in_a_row(samples))

    def _needed(self) -> set[str]:
        names = set(self._outputs)
        for node in self._path:
            names |= {name_of(value) for value in (*node.inputs, node.outputs[0]) if value}
        return names

    def _written(self, wanted: Sequence[str], folder: Path) -> Path:
        values = {name_of(value): value for node in self._model.graph for value in node.outputs}
        present = {value.name for value in self._model.graph.outputs}
        self._model.graph.outputs.extend(values[name] for name in wanted if name not in present)
        return write_model(self._model, folder)[0]

    def _seeds(self, values: Mapping[str, Array], random: np.random.Generator) -> dict[str, Values]:
        seeds = {}
        for name in self._outputs:
            output = np.asarray(values[name], np.float32)
            length = float(np.linalg.norm(output)) or 1.0
            signs = random.choice(np.array([-1, 1], np.float32), output.shape)
            seeds[name] = np.asarray(signs / (length * len(self._outputs) ** 0.5), np.float32)
        return seeds

    def _backwards(
        self, values: Mapping[str, Array], seeds: Mapping[str, Values]
    ) -> dict[str, Values]:
        gradients = dict(seeds)
        for node in reversed(self._path):
            name = name_of(node.outputs[0])
            if name not in gradients:
                continue
            read = [None if value is None else values[name_of(value)] for value in node.inputs]
            inputs = [np.zeros(0) if array is None else array for array in read]
            found = DERIVATIVES[node.op_type](node, inputs, values[name], gradients[name])  # type: ignore[arg-type]  # the operator's own types
            for value, gradient in zip(node.inputs, found, strict=False):
                if value is None or gradient is None or name_of(value) not in self._active:
                    continue
                at = name_of(value)
                gradients[at] = gradients[at] + gradient if at in gradients else gradient
        return {name: gradients[name] for name in self.reached if name in gradients}


def _in_a_row(samples: Sequence[Sample]) -> Iterator[tuple[Sample, list[int]]]:
    """Each sample once for all its places in a row, with those."""
    for _, same in groupby(enumerate(samples), key=lambda numbered: id(numbered[1])):
        numbered = list(same)
        yield numbered[0][1], [number for number, _ in numbered]


def _gives(node: ir.Node) -> set[str]:
    return {name_of(value) for value in node.outputs if value.name}


def _takes(node: ir.Node) -> set[str]:
    return {name_of(value) for value in node.inputs if value is not None}


def _behind(nodes: Sequence[ir.Node], watched: set[str]) -> set[str]:
    """The values that follow from the watched ones, those included; the sizes of arrays do not follow from numbers."""
    active = set(watched)
    for node in nodes:
        if node.op_type in _STEADY:
            continue
        if _takes(node) & active or _captures(node) & active:
            active |= _gives(node)
    return active


def _before(nodes: Sequence[ir.Node], outputs: set[str]) -> set[str]:
    """The values that the outputs follow from, those included."""
    before = set(outputs)
    for node in reversed(nodes):
        if _gives(node) & before:
            before |= _takes(node) | _captures(node)
    return before


def _unknown(path: Sequence[ir.Node], active: set[str]) -> set[str]:
    """The values whose gradient is not known: what an operator without derivative reads, and all before it."""
    unknown: set[str] = set()
    for node in reversed(path):
        known = node.op_type in DERIVATIVES and node.domain in _STANDARD and not _captures(node)
        if not known or _gives(node) & unknown:
            unknown |= (_takes(node) | _captures(node)) & active
    return unknown


def _captures(node: ir.Node) -> set[str]:
    """The outer values that the node's subgraphs read."""
    names: set[str] = set()
    for attribute in node.attributes.values():
        if isinstance(attribute.value, ir.Graph):
            names |= {taken for inner in attribute.value.all_nodes() for taken in _takes(inner)}
    return names
