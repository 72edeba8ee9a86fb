"""Which weights of a model a recipe may narrow, and how each of them is used."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

import numpy as np
import onnx_ir as ir
from msgspec import Struct
from numpy.typing import NDArray

from modelpack.graph.recipes.kept import EXCLUDED, Kept
from modelpack.graph.recipes.known import known
from modelpack.units import format_size

# A narrowed weight costs two or three nodes and names, 200 to 300 bytes of graph, and brings rounding errors: below
# 1024 numbers (3 kB saved) neither is worth it. In ultraface, all small filters, it leaves 3 % of the bytes in fp32.
MIN_ELEMENTS = 1024
# On grids shaped for compressors small weights take a fifth of their bytes, errors the search sees: 29 of ultraface's 114 kB.
SHAPED_MIN_ELEMENTS = 64

Floats = NDArray[np.float32]

# `product`: MatMul or Gemm with a two-dimensional right side, which integers can multiply. `rows`: Gather of rows.
# `whole`: the operator needs the weight as floats.
Kind = Literal["product", "rows", "whole"]

_STANDARD = ("", "ai.onnx")
_LAYOUT = frozenset(
    {"Slice", "Unsqueeze", "Squeeze", "Identity", "Split", "Concat", "Transpose", "Reshape"}
)


class Use(Struct, frozen=True):
    """One reader of a weight: its input `index`, and the axis of the weight along which output channels lie."""

    node: ir.Node
    index: int
    kind: Kind
    axis: int


class Weight(Struct, frozen=True):
    """A float32 initialiser and every reader of it."""

    value: ir.Value
    uses: tuple[Use, ...]

    @property
    def name(self) -> str:
        """Its name in the graph."""
        return name_of(self.value)

    @property
    def axis(self) -> int:
        """The axis of output channels; where readers disagree, that of the first."""
        return self.uses[0].axis

    @property
    def kind(self) -> Kind:
        """How it is used; `whole` where readers disagree."""
        kinds = {(use.kind, use.axis) for use in self.uses}
        return self.uses[0].kind if len(kinds) == 1 else "whole"

    @property
    def shape(self) -> tuple[int, ...]:
        """Its sizes."""
        return tuple(known(self.value.const_value, "a weight").shape.numpy())

    def array(self) -> Floats:
        """Its numbers, float32 in the weight's shape."""
        return np.asarray(known(self.value.const_value, "a weight").numpy(), np.float32)


class Found(Struct, frozen=True):
    """The weights that may be narrowed, in graph order, and notes on large ones that may not."""

    weights: tuple[Weight, ...]
    notes: tuple[str, ...]


def find_weights(
    model: ir.Model, excluded: Collection[str], *, fewest: int = MIN_ELEMENTS
) -> Found:
    """Every float32 initialiser of `fewest` numbers or more that products, filters, recurrences or look-ups read.

    1. A weight that is also a graph input or output keeps its type: it is part of the signature.
    2. A weight that any node in `excluded` reads is left alone: a second copy would cost more than is saved.
    3. A weight that is sliced, joined or reshaped first counts if everything it ends in counts.
    4. Of a weight below MIN_ELEMENTS no note is taken.
    """
    weights: list[Weight] = []
    kept = Kept()
    for value in _floats_from(model, fewest):
        uses = tuple(_uses(value))
        if value.is_graph_input() or value.is_graph_output() or not value.uses():
            continue
        if reader_names(value) & set(excluded):
            reason = EXCLUDED
        elif len(uses) < len(value.uses()):
            reason = f"no narrow form for {_operators(value)}"
        else:
            weights.append(Weight(value, uses))
            continue
        if known(value.const_value, "a weight").size >= MIN_ELEMENTS:
            kept.add(_label(value), reason)
    return Found(tuple(weights), kept.notes())


def name_of(value: ir.Value) -> str:
    """The value's name; initialisers and values of a stored graph always have one."""
    return known(value.name, "a name")


def reader_names(value: ir.Value) -> set[str]:
    """The names of the nodes that read the value: layout operators, and those behind them."""
    names = {node.name or "" for node, _ in value.uses()}
    for node, _ in value.uses():
        if node.op_type in _LAYOUT:
            ends = [end for output in node.outputs for end in _ends(output)]
            names |= {end[0].name or "" for end in ends if end is not None}
    return names


def _floats_from(model: ir.Model, fewest: int) -> Iterator[ir.Value]:
    for graph in model.graphs():
        for value in graph.initializers.values():
            tensor = value.const_value
            if tensor is None or tensor.dtype != ir.DataType.FLOAT:
                continue
            if tensor.size >= fewest:
                yield value


def _uses(value: ir.Value) -> Iterator[Use]:
    rank = len(known(value.shape, "a shape"))
    for node, index in value.uses():
        use = _use(node, index, rank)
        if use is not None:
            yield use


def _use(node: ir.Node, index: int, rank: int) -> Use | None:
    """How the node uses the weight; None where nothing is known of that use."""
    if node.domain not in _STANDARD or rank < 2:
        return None
    if node.op_type == "Gemm" and index < 2:
        return _gemm_use(node, index)
    found = _kind_and_axis(node, index, rank)
    return None if found is None else Use(node, index, *found)


def _kind_and_axis(node: ir.Node, index: int, rank: int) -> tuple[Kind, int] | None:
    match node.op_type, index:
        case "MatMul", 1 if rank == 2:
            found: tuple[Kind, int] | None = "product", 1
        case "MatMul", _:
            found = "whole", rank - 1 if index else rank - 2
        case ("Conv", 1) | ("ConvTranspose", 1):
            found = "whole", 0 if node.op_type == "Conv" else 1
        case ("LSTM", 1 | 2) | ("GRU", 1 | 2) | ("RNN", 1 | 2):
            found = "whole", 1
        case "Gather", 0 if rank == 2 and _integer(node, "axis", 0) == 0:
            found = "rows", 0
        case operator, _ if operator in _LAYOUT and _ends_count(node):
            found = "whole", 0
        case _:
            found = None
    return found


def _gemm_use(node: ir.Node, index: int) -> Use:
    transposed = _integer(node, "transB" if index else "transA", 0) == 1
    axis = int(transposed) if index == 0 else int(not transposed)
    plain = index == 1 and _integer(node, "transA", 0) == 0
    scaled = _float(node, "alpha", 1.0) != 1.0 or _float(node, "beta", 1.0) != 1.0
    return Use(node, index, "product" if plain and not scaled else "whole", axis)


def _ends_count(node: ir.Node) -> bool:
    """Whether everything that reads what the layout operator gives is a product, a filter or a recurrence."""
    ends = [end for output in node.outputs for end in _ends(output)]
    known = [end is not None and _use(*end, 2) is not None for end in ends]
    return bool(known) and all(known)


def _ends(value: ir.Value) -> Iterator[tuple[ir.Node, int] | None]:
    """Who reads the value once all layout operators are passed; None where it leaves the graph."""
    if value.is_graph_output():
        yield None
    for reader, index in value.uses():
        if reader.op_type in _LAYOUT:
            for output in reader.outputs:
                yield from _ends(output)
        elif reader.op_type != "Shape":
            yield reader, index


def _operators(value: ir.Value) -> str:
    return ", ".join(sorted({node.op_type for node, _ in value.uses()}))


def _label(value: ir.Value) -> str:
    tensor = value.const_value
    return f"{value.name} ({format_size(tensor.nbytes if tensor is not None else 0)})"


def _integer(node: ir.Node, name: str, default: int) -> int:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.as_int()


def _float(node: ir.Node, name: str, default: float) -> float:
    attribute = node.attributes.get(name)
    return default if attribute is None else attribute.as_float()
