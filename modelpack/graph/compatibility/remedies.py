"""What to do about a node that a device does not run."""

from __future__ import annotations

from typing import Final

from modelpack.graph.compatibility.check import Found

# Operators that modelpack's own recipes write, or that a dtype decides about.
_INTEGER_PRODUCTS: Final = frozenset(
    {"MatMulInteger", "ConvInteger", "DynamicQuantizeLinear", "QLinearMatMul", "QLinearConv"}
)
_HALVES: Final = frozenset({"float16", "bfloat16"})


def remedy_for(found: Found, device: str) -> str:
    """The changes that help, the likeliest first."""
    kinds = {kind for _, kind in found.types}
    ways: list[str] = []
    name = found.operator.rpartition(".")[2]
    if name in _INTEGER_PRODUCTS and device != "wasm":
        ways.append('use dtype = "fp16" or "q4" for this device, or device = "wasm"')
    elif kinds & _HALVES and device == "wasm":
        ways.append('use dtype = "q8" or "fp32" for wasm')
    elif device != "wasm":
        ways.append('use device = "wasm" or another dtype')
    else:
        ways.append("export with standard operators, or with another opset")
    if found.place == "wasm":
        ways.append(f'or accept it and say why: accept_fallback = {{ "{found.operator}" = "…" }}')
    elif found.place == "nowhere":
        ways.append("another release of onnxruntime-web may have it")
    return "; ".join(ways)
