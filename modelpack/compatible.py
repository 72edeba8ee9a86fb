"""What is known of a variant's graph and the runtime that pages load: an output of the step `compatibility`."""

from __future__ import annotations

from msgspec import Struct


class AcceptedFallback(Struct, frozen=True, rename="camel"):
    """A node that another provider than the device's runs, and why the configuration accepts it."""

    node: str
    operator: str
    reason: str


class Compatibility(Struct, frozen=True, rename="camel"):
    """That a release of onnxruntime-web runs a graph. `evidence` says how that is known; empty where it is not.

    `on_processor` counts the nodes that wasm runs beside another device.
    """

    release: str
    evidence: str
    accepted: tuple[AcceptedFallback, ...]
    on_device: int
    on_processor: int
