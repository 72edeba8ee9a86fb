"""An onnxruntime-web in node_modules whose WebAssembly is other bytes."""

from __future__ import annotations

import random
from pathlib import Path

PLAIN = "ort-wasm-simd-threaded.wasm"
ASYNCIFY = "ort-wasm-simd-threaded.asyncify.wasm"
JSEP = "ort-wasm-simd-threaded.jsep.wasm"


def install_runtime(
    folder: Path, names: tuple[str, ...] = (PLAIN, ASYNCIFY, JSEP), size_bytes: int = 5 << 20
) -> Path:
    """The package's folder of builds, each of `size_bytes` bytes of its own that compress to half."""
    dist = folder / "node_modules" / "onnxruntime-web" / "dist"
    dist.mkdir(parents=True)
    (dist.parent / "package.json").write_text('{"name": "onnxruntime-web", "version": "1.30.0"}')
    for name in names:
        half = random.Random(name).randbytes(size_bytes // 2)
        (dist / name).write_bytes(half + bytes(size_bytes - len(half)))
    return dist
