"""How tensors travel in one inference, so that a page can see what it pays for besides computing.

1. An input is cloned into the worker, unless the page gives it away, and copied into the heap (or the GPU's memory).
2. An output is copied out of there, and then moved to the page, which costs nothing.
3. State that a stream carries stays in the worker, and is copied in and out at each call.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from modelpack.bench.visit import Tensor
from modelpack.measured import TensorCopy

_PLACES: Final = {"wasm": "wasm heap", "webgpu": "GPU", "webnn": "WebNN"}


def tensor_copies(tensors: Iterable[Tensor], device: str) -> tuple[TensorCopy, ...]:
    """The copies of each tensor in one call, in the loader's worker."""
    place = _PLACES[device]
    ways = {
        "input": ("page → worker", f"worker → {place}"),
        "state": (f"worker → {place}", f"{place} → worker"),
        "output": (f"{place} → worker",),
    }
    return tuple(
        TensorCopy(one.name, one.role, one.size, ways[one.role], one.transferable)
        for one in tensors
    )
