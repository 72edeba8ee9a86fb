"""What a benchmark might have measured."""

from __future__ import annotations

import msgspec

from modelpack.measured import Machine, Run

MACHINE = Machine("Linux x86_64", "Testium 1", 2, 8 * 1024**3)
_RUN = Run(
    engine="chromium",
    version="150.0",
    runtime="onnxruntime-web 1.30.0",
    device="wasm",
    threads=1,
    inferences=60,
    load_s=0.5,
    first_s=0.1,
    p50_s=0.02,
    p95_s=0.03,
    p99_s=0.04,
    memory_bytes=50_000_000,
)


def run(**changes: object) -> Run:
    """One thread in Chromium, but for the changes."""
    return msgspec.structs.replace(_RUN, **changes)
