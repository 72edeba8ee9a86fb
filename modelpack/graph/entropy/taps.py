"""Where a weight meets what it works on: the values to watch while samples run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import onnx_ir as ir
from msgspec import Struct

from modelpack.graph.entropy.matrices import groups_of, has_matrices
from modelpack.graph.recipes.weights import Weight, name_of

TapKind = Literal["product", "patches", "rows"]


class Patches(Struct, frozen=True):
    """How a filter cuts its input into patches: sizes along the spatial axes, and the number of groups."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    pads: tuple[int, ...]
    groups: int


class Tap(Struct, frozen=True):
    """The value that the weight works on: activations of a product or a filter, or the numbers of looked-up rows."""

    weight: str
    value: str
    kind: TapKind
    size: int
    patches: Patches | None = None

    @property
    def moments(self) -> tuple[object, ...]:
        """Taps with equal `moments` see the same inputs in the same form, and share what is measured of them."""
        return (self.value, self.kind, self.patches) if self.kind != "rows" else (self.weight,)


def find_taps(model: ir.Model, weights: Sequence[Weight]) -> tuple[Tap, ...]:
    """The taps of all weights whose inputs can be watched.

    Values inside subgraphs cannot, nor can those that are constants; such weights have none.
    """
    return tuple(tap for weight in weights for tap in _taps(model, weight))


def _taps(model: ir.Model, weight: Weight) -> Iterator[Tap]:
    if weight.kind == "rows":
        for use in weight.uses:
            ids = use.node.inputs[1]
            if ids is not None and ids.const_value is None and use.node.graph is model.graph:
                yield Tap(weight.name, name_of(ids), "rows", weight.shape[0])
        return
    if not has_matrices(weight):
        return
    node = weight.uses[0].node
    value = node.inputs[0]
    if node.graph is not model.graph or value is None or value.const_value is not None:
        return
    if node.op_type != "Conv":
        yield Tap(weight.name, name_of(value), "product", weight.shape[1 - weight.axis])
        return
    patches = _patches(node, weight)
    if patches is not None:
        size = weight.shape[1]
        for length in weight.shape[2:]:
            size *= length
        yield Tap(weight.name, name_of(value), "patches", size, patches)


def _patches(node: ir.Node, weight: Weight) -> Patches | None:
    """None where padding follows from sizes that are only known at run time."""
    padding = node.attributes.get("auto_pad")
    if padding is not None and padding.as_string() not in {"NOTSET", "VALID"}:
        return None
    kernel = weight.shape[2:]
    rank = len(kernel)
    return Patches(
        kernel,
        _sizes(node, "strides", (1,) * rank),
        _sizes(node, "dilations", (1,) * rank),
        _sizes(node, "pads", (0,) * (2 * rank)),
        groups_of(weight),
    )


def _sizes(node: ir.Node, name: str, default: tuple[int, ...]) -> tuple[int, ...]:
    attribute = node.attributes.get(name)
    return default if attribute is None else tuple(attribute.as_ints())
