"""Files put together again from what is published: manifest.json, the chunk files, and nothing of modelpack."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Literal, TypedDict

import brotli
import zstandard

Form = Literal["gzip", "zstd", "br"]
Part = int | list[int] | tuple[Literal["z"], int]
_STORED: dict[Form, str] = {"gzip": ".g.bin", "zstd": ".z.bin"}
_BESIDE: dict[Form, str] = {"gzip": ".bin.gz", "zstd": ".bin.zst", "br": ".bin.br"}


class Blob(TypedDict):
    hash: str
    size: int


class Chunk(Blob, total=False):
    enc: dict[Form, int]  # absent where no form was worth it


class File(Blob):
    parts: list[Part]


class External(TypedDict):
    path: str
    file: str


class Variant(TypedDict):
    id: str
    device: str
    graph: str
    externalData: list[External]


class Pack:
    """A published folder, read by its manifest.json alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.manifest = json.loads((folder / "manifest.json").read_bytes())
        self.chunks: list[Chunk] = self.manifest["chunks"]
        self.files: dict[str, File] = self.manifest["files"]

    @property
    def is_stored(self) -> bool:
        """Whether chunks lie there in one form, which the page decodes."""
        return bool(self.manifest["delivery"]["mode"] == "stored")

    def variant(self, model: str, variant: str) -> Variant:
        """The variant as the manifest has it."""
        variants: list[Variant] = self.manifest["models"][model]["variants"]
        return next(found for found in variants if found["id"] == variant)

    def forms(self, chunk: Chunk) -> Iterator[bytes]:
        """What every published form of the chunk decodes to."""
        encoded = chunk.get("enc", {})
        if not (self.is_stored and encoded):
            yield self._fetched(chunk, ".bin")
        for form in encoded:
            suffix = _STORED[form] if self.is_stored else _BESIDE[form]
            yield _decoded(form, self._fetched(chunk, suffix))

    def file(self, name: str) -> bytes:
        """The bytes of a file, from its parts."""
        return b"".join(self._part(part) for part in self.files[name]["parts"])

    def assemble(self, variant: Variant, folder: Path) -> Path:
        """The path of the variant's graph, with its data beside it."""
        folder.mkdir(parents=True, exist_ok=True)
        for data in variant["externalData"]:
            (folder / data["path"]).write_bytes(self.file(data["file"]))
        graph = folder / "graph.onnx"
        graph.write_bytes(self.file(variant["graph"]))
        return graph

    def _part(self, part: Part) -> bytes:
        if isinstance(part, int):
            return next(self.forms(self.chunks[part]))
        if part[0] == "z":
            return bytes(part[1])
        index, offset, length = part
        return next(self.forms(self.chunks[index]))[offset : offset + length]

    def _fetched(self, chunk: Chunk, suffix: str) -> bytes:
        url: str = self.manifest["delivery"]["chunkUrl"]
        return (
            self.folder / url.replace("{hash}", chunk["hash"]).replace("{ext}", suffix)
        ).read_bytes()


def digest(content: bytes) -> str:
    """The SHA-256, as the manifest writes it."""
    return sha256(content).hexdigest()


def _decoded(form: Form, content: bytes) -> bytes:
    match form:
        case "gzip":
            return gzip.decompress(content)
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(content)
        case "br":
            return bytes(brotli.decompress(content))
