"""What `modelpack bench` measured: timings, memory and accuracy of a variant on one machine.

Kept in `modelpack.stats.json` by variant digest and machine. Times are seconds, memory bytes.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from modelpack.record import Evaluation

Device = Literal["cpu", "wasm", "webgpu", "webnn"]


class Machine(Struct, frozen=True, rename="camel"):
    """Where something was measured."""

    system: str
    processor: str
    cores: int
    memory_bytes: int


class OperatorTime(Struct, frozen=True, rename="camel"):
    """A node, its share (0 to 1) of the time of an inference, and the bytes of the weights it reads."""

    node: str
    operator: str
    share: float
    weight_bytes: int


class TensorCopy(Struct, frozen=True, rename="camel"):
    """How a tensor travels in one inference. `transferable`: its first copy can be saved with `run(feeds, { transfer: true })`."""

    name: str
    role: Literal["input", "state", "output"]
    size_bytes: int
    copies: tuple[str, ...]
    transferable: bool


class Run(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One way to run a variant, measured.

    `engine` is `native` or the browser's name. `memory_bytes` is the peak above what the process held before the load,
    `heap_bytes` the size of the WebAssembly heap at the end, which never shrinks. `adapter` names the WebGPU adapter.
    `operators` are kinds with all their nodes, `nodes` the slowest. `accuracy` is that of the golden set (whose digest is `golden`) against the native reference.
    """

    engine: str
    version: str
    runtime: str
    device: Device
    threads: int
    inferences: int
    load_s: float
    first_s: float
    p50_s: float
    p95_s: float
    p99_s: float
    slowdown: float = 1.0
    memory_bytes: int | None = None
    heap_bytes: int | None = None
    adapter: str = ""
    golden: str = ""
    accuracy: Evaluation | None = None
    operators: tuple[OperatorTime, ...] = ()
    nodes: tuple[OperatorTime, ...] = ()
    copies: tuple[TensorCopy, ...] = ()

    @property
    def setting(self) -> tuple[str, str, int, float]:
        """What makes it another run than the others of its variant and machine: engine, device, threads, slowdown."""
        return (self.engine, self.device, self.threads, self.slowdown)

    @property
    def is_software(self) -> bool:
        """Whether the graphics processor was emulated: its results count, its times do not."""
        return "swiftshader" in self.adapter.lower()
