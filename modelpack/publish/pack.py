"""The hand-over from the engine to publish: everything a manifest is made of, and no paths.

The engine fills a `Pack` from results of steps, `manifest.py` turns it into a manifest, `emit.py` writes both.
"""

from __future__ import annotations

from msgspec import Struct

from modelpack.record import FileLayout, Layout, ValueFacts
from modelpack.spec.golden import StatePair
from modelpack.spec.project import Form, Host, Load
from modelpack.spec.variants import Device, Dtype


class PackedForm(Struct, frozen=True):
    """A chunk encoded in one form. `digest` is that of the encoded bytes; None where they are known only as published."""

    form: Form
    digest: str | None
    size_bytes: int


class PackedChunk(Struct, frozen=True):
    """A chunk, by the digest and size of its plain bytes, and the forms that are worth publishing."""

    digest: str
    size_bytes: int
    forms: tuple[PackedForm, ...]


class PackedVariant(Struct, frozen=True):
    """One variant: its graph and data files as parts of chunks, with the inputs and outputs of its own graph."""

    id: str
    dtype: Dtype
    scheme: str
    device: Device
    layout: Layout


class PackedModel(Struct, frozen=True):
    """One model, with its variants in the order they were declared."""

    id: str
    inputs: tuple[ValueFacts, ...]
    outputs: tuple[ValueFacts, ...]
    state: tuple[StatePair, ...]
    assets: Layout | None
    load: Load
    group: str | None
    variants: tuple[PackedVariant, ...]
    version: str | None = None


class PackedRuntime(Struct, frozen=True):
    """The runtime's WebAssembly: one file for each device, whose `path` is the file's name."""

    package: str
    version: str
    builds: tuple[tuple[Device, FileLayout], ...]


class Pack(Struct, frozen=True):
    """Everything that is published together. `chunks` has one entry for each chunk that a layout names, perhaps more."""

    models: tuple[PackedModel, ...]
    chunks: tuple[PackedChunk, ...]
    host: Host
    runtime: PackedRuntime | None = None
