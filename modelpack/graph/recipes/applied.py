"""What a recipe did to a model: the hand-over from a recipe to the step `quantize`."""

from __future__ import annotations

import onnx_ir as ir
from msgspec import Struct


class Narrowed(Struct, frozen=True):
    """One weight that is now stored in fewer bits: under which scheme, and its bytes, scales included."""

    name: str
    scheme: str
    size_bytes: int


class Applied(Struct, frozen=True):
    """The rewritten model, the weights that were narrowed, and what was left alone and why."""

    model: ir.Model
    narrowed: tuple[Narrowed, ...]
    notes: tuple[str, ...] = ()

    @property
    def scheme(self) -> str:
        """The schemes in use, the one with the most bytes first, joined by `+`."""
        sizes: dict[str, int] = {}
        for weight in self.narrowed:
            sizes[weight.scheme] = sizes.get(weight.scheme, 0) + weight.size_bytes
        return "+".join(sorted(sizes, key=lambda scheme: (-sizes[scheme], scheme)))
