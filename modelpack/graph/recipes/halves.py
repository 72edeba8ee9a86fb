"""Weights stored as float16 and cast to float32 where they are read.

Half the bytes for every model, at fp32 accuracy but for the rounding of the weights. onnxruntime folds the Cast when
the session is made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import numpy as np
import onnx_ir as ir

from modelpack.graph.recipes.applied import Applied, Narrowed
from modelpack.graph.recipes.kept import BEYOND_RANGE, EXCLUDED, Kept
from modelpack.graph.recipes.known import known
from modelpack.graph.recipes.q8 import finish
from modelpack.graph.recipes.rewrite import Builder, feed_through
from modelpack.graph.recipes.weights import MIN_ELEMENTS, Use, name_of

SCHEME = "w16"
LARGEST = float(np.finfo(np.float16).max)


def store_halves(model: ir.Model, excluded: Collection[str]) -> Applied:
    """The model with every large float32 weight as float16, except what float16 cannot hold and what is excluded."""
    builder = Builder(model)
    narrowed, kept = [], Kept()
    for value in list(_floats(model)):
        readers = {node.name or "" for node, _ in value.uses()}
        array = np.asarray(known(value.const_value, "a weight").numpy(), np.float32)
        if readers & set(excluded):
            kept.add(str(value.name), EXCLUDED)
        elif not fits(array):
            kept.add(str(value.name), BEYOND_RANGE)
        else:
            narrowed.append(store_half(builder, value))
    finish(builder)
    return Applied(model, tuple(narrowed), kept.notes())


def fits(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> bool:
    """Whether float16 can hold these numbers. Infinities are themselves in float16 too: masks are made of them."""
    finite = array[np.isfinite(array)]
    return not finite.size or bool(np.abs(finite).max() <= LARGEST)


def store_half(builder: Builder, value: ir.Value) -> Narrowed:
    """Stores the weight (float32, of numbers that fit) as float16, and gives its readers a cast of it."""
    name = name_of(value)
    halves = np.asarray(known(value.const_value, "a weight").numpy(), np.float16)
    stored = builder.initializer(f"{name}_fp16", halves)
    cast = builder.node("Cast", [stored], f"{name}_cast", {"to": int(ir.DataType.FLOAT)})
    uses = [Use(node, index, "whole", 0) for node, index in value.uses()]
    feed_through(builder, uses, [cast])
    return Narrowed(name, SCHEME, halves.nbytes)


def _floats(model: ir.Model) -> Iterator[ir.Value]:
    for graph in model.graphs():
        for value in graph.initializers.values():
            public = value.is_graph_input() or value.is_graph_output() or not value.uses()
            tensor = value.const_value
            if public or tensor is None or tensor.dtype != ir.DataType.FLOAT:
                continue
            if tensor.size >= MIN_ELEMENTS:
                yield value
