"""Which build of onnxruntime-web a page loads for each device."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from modelpack.spec.variants import Device

_PLAIN: Final = "ort-wasm-simd-threaded"
# WebNN has always been in the build that WebGPU is in.
_WITH_GRAPHICS: Final = (f"{_PLAIN}.asyncify", f"{_PLAIN}.jsep")

# What `onnxruntime-web/wasm` and `onnxruntime-web/webgpu` load, by the names of their WebAssembly without `.wasm`, newest
# first: before 1.24 WebGPU was in the JSEP build.
BUILDS: Final[Mapping[Device, tuple[str, ...]]] = MappingProxyType(
    {"wasm": (_PLAIN,), "webgpu": _WITH_GRAPHICS, "webnn": _WITH_GRAPHICS}
)
