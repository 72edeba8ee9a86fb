"""How filters and pools slide over their input: sizes, padding, and the slice of the input that each kernel place reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import onnx_ir as ir
from msgspec import Struct
from numpy.typing import NDArray

Values = NDArray[np.float32]


class Windows(Struct, frozen=True):
    """Sizes along the spatial axes. `before` and `after` are cells of padding, enough for every window."""

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]
    places: tuple[int, ...]

    def padded(self, values: Values, filling: float = 0.0) -> Values:
        """Values [batch, channels, spatial…] with their padding."""
        edges = [(0, 0), (0, 0), *zip(self.before, self.after, strict=True)]
        return np.pad(values, edges, constant_values=filling)

    def cropped(self, padded: Values, inner: Sequence[int]) -> Values:
        """The inverse of `padded`, for `inner` spatial sizes."""
        for axis, (start, size) in enumerate(zip(self.before, inner, strict=True), 2):
            padded = np.take(padded, range(start, start + size), axis=axis)
        return padded

    def offsets(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...]]]:
        """Each place in the kernel, and the slice of padded values that it reads: [batch, channels, places…]."""
        for offset in np.ndindex(*self.kernel):
            spans = [
                slice(at * dilation, at * dilation + (count - 1) * stride + 1, stride)
                for at, dilation, stride, count in zip(
                    offset, self.dilations, self.strides, self.places, strict=True
                )
            ]
            yield offset, (slice(None), slice(None), *spans)


def windows_of(
    node: ir.Node, kernel: Sequence[int], inner: Sequence[int], places: Sequence[int]
) -> Windows:
    """The windows of a Conv or pool from input sizes `inner` to output sizes `places`."""
    rank = len(kernel)
    strides = _sizes(node, "strides", rank)
    dilations = _sizes(node, "dilations", rank)
    spans = zip(places, strides, dilations, kernel, strict=True)
    needed = [
        (count - 1) * stride + dilation * (length - 1) + 1
        for count, stride, dilation, length in spans
    ]
    missing = [max(span - size, 0) for span, size in zip(needed, inner, strict=True)]
    before = _before(node, missing)
    # With ceil_mode the last window reaches further than `pads` says; with VALID sizes it may reach less far.
    after = [
        max(span - size - start, 0) for span, size, start in zip(needed, inner, before, strict=True)
    ]
    return Windows(tuple(kernel), strides, dilations, tuple(before), tuple(after), tuple(places))


def kernel_of(node: ir.Node) -> tuple[int, ...]:
    """The kernel of a pool."""
    return tuple(node.attributes["kernel_shape"].as_ints())


def _before(node: ir.Node, missing: Sequence[int]) -> list[int]:
    attribute = node.attributes.get("auto_pad")
    mode = "NOTSET" if attribute is None else attribute.as_string()
    if mode == "SAME_UPPER":
        return [size // 2 for size in missing]
    if mode == "SAME_LOWER":
        return [size - size // 2 for size in missing]
    pads = node.attributes.get("pads")
    if mode == "VALID" or pads is None:
        return [0] * len(missing)
    return list(pads.as_ints()[: len(missing)])


def _sizes(node: ir.Node, name: str, rank: int) -> tuple[int, ...]:
    attribute = node.attributes.get(name)
    return (1,) * rank if attribute is None else tuple(attribute.as_ints())
