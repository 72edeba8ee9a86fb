"""Turning what onnx_ir types as optional, and every loaded graph has, into what it is."""

from __future__ import annotations

from typing import TypeVar

from modelpack.errors import StepError

T = TypeVar("T")


def known(found: T | None, what: str) -> T:
    """`found`. Raises: StepError MP-E451 if the graph does not state it."""
    if found is None:
        raise StepError("MP-E451", f"the graph leaves out {what}, which a recipe needs")
    return found
