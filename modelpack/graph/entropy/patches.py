"""What a filter sees of its input: patches as rows of numbers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from modelpack.graph.entropy.taps import Patches

PATCHES_PER_SAMPLE = 150
_ROWS = 4096  # that are copied at once: a photograph's patches together would take a gigabyte

Values = NDArray[np.float32]


def some_patches(value: Values, patches: Patches, random: np.random.Generator) -> Values:
    """Patches at random places, borders included: float32 [groups, patches, channels × kernel]."""
    windows = _windows(value, patches)
    places = _places(windows)
    count = int(np.prod(places))
    chosen = np.sort(random.choice(count, min(count, PATCHES_PER_SAMPLE), replace=False))
    return _taken(windows, chosen, patches.groups)


def all_patches(value: Values, patches: Patches) -> Iterator[tuple[slice, Values]]:
    """All patches in order, some thousand at a time: which ones, and float32 [groups, patches, channels × kernel]."""
    windows = _windows(value, patches)
    count = int(np.prod(_places(windows)))
    for start in range(0, count, _ROWS):
        end = min(start + _ROWS, count)
        yield slice(start, end), _taken(windows, np.arange(start, end), patches.groups)


def _windows(value: Values, patches: Patches) -> Values:
    """float32 [batch, channels, places…, kernel…], a view."""
    rank = len(patches.kernel)
    edges = [(0, 0), (0, 0), *zip(patches.pads[:rank], patches.pads[rank:], strict=True)]
    padded = np.pad(value, edges)
    spans = [
        dilation * (length - 1) + 1
        for length, dilation in zip(patches.kernel, patches.dilations, strict=True)
    ]
    windows = np.lib.stride_tricks.sliding_window_view(
        padded, spans, axis=tuple(range(2, 2 + rank))
    )
    whole = (slice(None), slice(None))
    starts = tuple(slice(None, None, stride) for stride in patches.strides)
    inside = tuple(slice(None, None, dilation) for dilation in patches.dilations)
    return np.asarray(windows[whole + starts + inside], np.float32)


def _places(windows: Values) -> tuple[int, ...]:
    rank = (windows.ndim - 2) // 2
    return (windows.shape[0], *windows.shape[2 : 2 + rank])


def _taken(windows: Values, chosen: NDArray[np.intp], groups: int) -> Values:
    rank = (windows.ndim - 2) // 2
    at = np.unravel_index(chosen, _places(windows))
    found = np.moveaxis(windows, 1, 1 + rank)[at]
    size = windows.shape[1] // groups * int(np.prod(windows.shape[2 + rank :]))
    grouped = found.reshape(len(chosen), groups, size)
    return np.ascontiguousarray(grouped.transpose(1, 0, 2))
