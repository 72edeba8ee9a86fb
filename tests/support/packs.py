"""Packs with real chunks, and a source of blobs that lives in memory."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.errors import StoreError
from modelpack.publish.pack import Pack, PackedChunk, PackedForm, PackedModel, PackedVariant
from modelpack.record import FileLayout, Layout, Part, ValueFacts
from modelpack.spec.golden import StatePair
from modelpack.spec.project import Form, Host
from modelpack.spec.variants import Device, Dtype
from modelpack.steps.compress import encode

TEXT = b"all work and no play makes jack a dull boy\n" * 400
LEVELS: Mapping[Form, int] = {"gzip": 6, "zstd": 3, "br": 5}
X = ValueFacts("x", "float32", ("batch", 32))
LOGITS = ValueFacts("logits", "float32", ("batch", None, 10))


class Blobs:
    """A source of blobs, with a memory of what was asked for."""

    def __init__(self) -> None:
        self.contents: dict[str, bytes] = {}
        self.given: list[str] = []

    def put(self, content: bytes) -> str:
        digest = digest_bytes(content)
        self.contents[digest] = content
        return digest

    def materialise(self, digest: str, destination: Path) -> None:
        if digest not in self.contents:
            raise StoreError("MP-E701", f"the blob {digest} is not stored")
        self.given.append(digest)
        part = destination.with_name(f".part-{secrets.token_hex(8)}")
        part.write_bytes(self.contents[digest])
        part.replace(destination)


class VariantContent(Struct, frozen=True):
    """The bytes of a variant: its graph, and the chunks of its data file."""

    id: str
    graph: bytes
    data: tuple[bytes, ...] = ()
    dtype: Dtype = "fp32"
    device: Device = "wasm"


def variant(content: VariantContent, blobs: Blobs) -> PackedVariant:
    """The variant, with its chunks put into `blobs`. Chunks of a data file are separated by 64 zeros."""
    files = [_file("model.onnx", (content.graph,), blobs)]
    if content.data:
        files.append(_file("model.data", content.data, blobs))
    layout = Layout(tuple(files), (X,), (LOGITS,))
    return PackedVariant(content.id, content.dtype, content.dtype, content.device, layout)


def model(
    model_id: str,
    contents: tuple[VariantContent, ...],
    blobs: Blobs,
    assets: Mapping[str, bytes] | None = None,
) -> PackedModel:
    """A model of these variants, `x` in and `logits` out."""
    files = tuple(
        FileLayout(
            name,
            "asset",
            "text/plain",
            digest_bytes(content),
            len(content),
            (_whole(content, blobs),),
        )
        for name, content in (assets or {}).items()
    )
    return PackedModel(
        id=model_id,
        inputs=(X,),
        outputs=(LOGITS,),
        state=(StatePair("x", "logits"),) if model_id == "recurrent" else (),
        assets=Layout(files) if files else None,
        load="lazy",
        group=None,
        variants=tuple(variant(content, blobs) for content in contents),
    )


def pack(
    models: tuple[PackedModel, ...],
    blobs: Blobs,
    host: Host = "static",
    forms: tuple[Form, ...] = ("gzip", "zstd"),
) -> Pack:
    """The models with every chunk in these forms, where they are smaller."""
    digests = {
        part.chunk
        for one in models
        for layout in (one.assets, *(each.layout for each in one.variants))
        if layout is not None
        for file in layout.files
        for part in file.parts
        if part.chunk
    }
    chunks = tuple(_chunk(digest, blobs, forms) for digest in sorted(digests))
    return Pack(models, chunks, host)


def simple_pack(blobs: Blobs, *graphs: bytes, host: Host = "static") -> Pack:
    """One model `m`, a variant `v0`, `v1`, … for each graph; every variant has the same data file."""
    contents = tuple(
        VariantContent(f"v{number}", graph, (TEXT, TEXT[::-1]))
        for number, graph in enumerate(graphs)
    )
    return pack((model("m", contents, blobs),), blobs, host)


def _chunk(digest: str, blobs: Blobs, forms: tuple[Form, ...]) -> PackedChunk:
    content = blobs.contents[digest]
    encoded = [(form, encode(form, LEVELS[form], content)) for form in forms]
    worth = [(form, code) for form, code in encoded if len(code) < len(content)]
    packed = tuple(PackedForm(form, blobs.put(code), len(code)) for form, code in worth)
    return PackedChunk(digest, len(content), packed)


def _file(path: str, contents: tuple[bytes, ...], blobs: Blobs) -> FileLayout:
    parts: list[Part] = []
    for content in contents:
        if parts:
            parts.append(Part("", 0, 64))
        parts.append(_whole(content, blobs))
    whole = bytes(64).join(contents)
    role: Literal["graph", "data"] = "graph" if path == "model.onnx" else "data"
    octets = "application/octet-stream"
    return FileLayout(path, role, octets, digest_bytes(whole), len(whole), tuple(parts))


def _whole(content: bytes, blobs: Blobs) -> Part:
    return Part(blobs.put(content), 0, len(content))
