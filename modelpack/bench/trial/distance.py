"""How far the browser's outputs are from the native ones of the same variant."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Final

import numpy as np
from msgspec import Struct

from modelpack.bench.packs import Feeds
from modelpack.graph.sessions import Array

# The same graph on other kernels differs by rounding: by at most 3e-6 on wasm and 6.4e-3 on an emulated GPU, for
# magika, silero and ultraface in fp32 and q8 (onnxruntime-web 1.30, Chromium 156, 2026-11-20). Half precision needs more.
MOST_RELATIVE_ERROR = 0.1
_NOTHING_FIXED: Final[Mapping[str, Collection[int]]] = MappingProxyType({})
_MOST_OTHER_SHARE = 0.1  # of integers and truths: labels and indices that a rounding decided


class Far(Struct, frozen=True):
    """An output that is not what it is natively, and how."""

    output: str
    found: str


def far_outputs(
    expected: Feeds, found: Feeds, fixed: Mapping[str, Collection[int]] = _NOTHING_FIXED
) -> Iterator[Far]:
    """Outputs of a sample's steps that differ by more than kernels do, each once, in the order of the model.

    `fixed` are the axes of each output whose size the graph states.
    """
    seen: set[str] = set()
    for native, browser in zip(expected.steps, found.steps, strict=True):
        for name, array in native.items():
            how = "" if name in seen else _difference(array, browser.get(name), fixed.get(name, ()))
            if how:
                seen.add(name)
                yield Far(name, how)


def relative_error(expected: Array, found: Array) -> float:
    """|found - expected| / |expected|, as vectors; nothing is divided by less than 1e-3 per element."""
    left, right = (array.astype(np.float64).ravel() for array in (expected, found))
    length = max(float(np.linalg.norm(left)), 1e-3 * float(np.sqrt(left.size)))
    return float(np.linalg.norm(right - left)) / length if left.size else 0.0


def _difference(native: Array, browser: Array | None, fixed: Collection[int]) -> str:
    if browser is None:
        return "is missing"
    if native.ndim != browser.ndim:
        return f"has {browser.ndim} dimensions, natively {native.ndim}"
    sizes = list(zip(native.shape, browser.shape, strict=True))
    if any(size != other for axis, (size, other) in enumerate(sizes) if axis in fixed):
        return f"has the shape {list(browser.shape)}, natively {list(native.shape)}"
    if native.shape != browser.shape:
        return ""  # how many boxes are found may hang on a rounding; what is in them cannot be compared
    return _value_difference(native, browser)


def _value_difference(native: Array, browser: Array) -> str:
    if native.dtype.kind != "f":
        share = float(np.mean(native != browser)) if native.size else 0.0
        return f"differs in {share:.0%} of its elements" if share > _MOST_OTHER_SHARE else ""
    finite = np.isfinite(native)
    if not np.isfinite(browser[finite]).all():
        return "is not finite"
    error = relative_error(native[finite], browser[finite])
    return f"differs by {error:.0%}" if error > MOST_RELATIVE_ERROR else ""
