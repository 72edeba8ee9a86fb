"""The manifest as it is published, field by field: the contract with the loader (docs/manifest.md).

Ranges and patterns stated here are checked when a manifest is read; what takes more than one field is in `rules.py`.
JSON Schema: schemas/manifest.schema.json.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from modelpack.spec.project import Form
from modelpack.units import KIB, MIB

MANIFEST_VERSION: Final = 1
SCHEMA_ID = "urn:modelpack:manifest:1"  # a name, not an address: nothing is fetched
CHUNK_FOLDER = "c"
CHUNK_URL = f"{CHUNK_FOLDER}/{{hash}}{{ext}}"
MAX_SAFE_INTEGER = (1 << 53) - 1  # what a JavaScript number holds exactly
MAX_CHUNK_BYTES = 16 * MIB  # a loader may hold several in memory; also the upper end of chunk_size
MAX_ZERO_RUN_BYTES = (
    64 * KIB
)  # alignment needs less than a page; more would let a small manifest fill the memory

Mode = Literal["stored", "transport"]
Bytes = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)]
ChunkBytes = Annotated[int, Meta(ge=1, le=MAX_CHUNK_BYTES)]
Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*\Z", max_length=128)]
FileId = Annotated[
    str, Meta(pattern=r"^[a-z0-9][a-z0-9._-]*(@[a-z0-9][a-z0-9._-]*)?/[a-z0-9][a-z0-9._-]*\Z")
]
Word = Annotated[str, Meta(min_length=1, max_length=1024)]
MediaType = Annotated[str, Meta(pattern=r"^[a-z]+/[a-z0-9.+-]+\Z", max_length=128)]
Dimension = Annotated[int, Meta(ge=0, le=MAX_SAFE_INTEGER)] | Annotated[str, Meta(max_length=1024)]

# A whole chunk, by its index; `[chunk, offset, length]`; or `["z", length]`, zero bytes.
ManifestPart = Bytes | tuple[Bytes | Literal["z"], ...]


class Wire(Struct, frozen=True, rename="camel", omit_defaults=True):
    """Fields with a default are absent where they have it."""


class Generator(Wire, frozen=True):
    """Who wrote the manifest."""

    name: Word
    version: Word


class Delivery(Wire, frozen=True):
    """How chunks are fetched: from `base`, which is relative to the manifest, under a name that `chunk_url` makes."""

    base: str
    chunk_url: str
    mode: Mode
    mirrors: tuple[str, ...] = ()


class Encodings(Wire, frozen=True):
    """The size of each published form of a chunk."""

    gzip: ChunkBytes | UnsetType = UNSET
    zstd: ChunkBytes | UnsetType = UNSET
    br: ChunkBytes | UnsetType = UNSET

    def sizes(self) -> tuple[tuple[Form, int], ...]:
        """The published forms, each with its size."""
        forms: tuple[tuple[Form, int | UnsetType], ...] = (
            ("gzip", self.gzip),
            ("zstd", self.zstd),
            ("br", self.br),
        )
        return tuple((form, size) for form, size in forms if size is not UNSET)


PLAIN_ONLY = Encodings()


class ManifestChunk(Wire, frozen=True):
    """A blob: digest and size of its plain bytes."""

    hash: Hash
    size: ChunkBytes
    enc: Encodings = PLAIN_ONLY


class ManifestFile(Wire, frozen=True):
    """A file as parts of chunks."""

    size: Bytes
    hash: Hash
    type: MediaType
    parts: tuple[ManifestPart, ...]


class ValueMetadata(Wire, frozen=True):
    """An input or output in onnxruntime's shape. A dimension without size or name is an empty string."""

    name: Word
    is_tensor: Literal[True]
    type: Word
    shape: tuple[Dimension, ...]


class ManifestState(Wire, frozen=True):
    """State the page carries from call to call."""

    input: Word
    output: Word


class DataReference(Wire, frozen=True):
    """External data: its location in the graph, and the file that holds it."""

    path: Name
    file: FileId


class WebgpuNeeds(Wire, frozen=True):
    """What a WebGPU adapter must offer."""

    features: tuple[Word, ...] = ()
    limits: dict[str, Bytes] = {}


class Requires(Wire, frozen=True):
    """What a browser must offer."""

    webgpu: WebgpuNeeds | UnsetType = UNSET
    wasm: tuple[Word, ...] = ()
    device_memory_gb: float | UnsetType = field(default=UNSET, name="deviceMemoryGB")
    storage_bytes: Bytes | UnsetType = UNSET


class Size(Wire, frozen=True):
    """Bytes of the variant's files, and bytes on the wire."""

    decoded: Bytes
    transfer: Bytes


class ManifestVariant(Wire, frozen=True):
    """One graph for one device."""

    id: Name
    dtype: Name
    scheme: Word
    digest: Hash
    device: Name
    runtime: Name
    execution_providers: tuple[Name, ...]
    requires: Requires
    graph: FileId
    external_data: tuple[DataReference, ...]
    session_options: dict[str, object]
    size: Size
    inputs: tuple[ValueMetadata, ...] | UnsetType = UNSET
    outputs: tuple[ValueMetadata, ...] | UnsetType = UNSET


class ManifestModel(Wire, frozen=True):
    """One model and its variants, in order of preference."""

    inputs: tuple[ValueMetadata, ...]
    outputs: tuple[ValueMetadata, ...]
    state: tuple[ManifestState, ...]
    assets: dict[Name, FileId]
    load: Literal["eager", "idle", "lazy"]
    variants: Annotated[tuple[ManifestVariant, ...], Meta(min_length=1)]
    group: Word | UnsetType = UNSET
    version: Word | UnsetType = UNSET
    license: Word | UnsetType = UNSET
    source: Word | UnsetType = UNSET


class ManifestRuntime(Wire, frozen=True):
    """The WebAssembly of the package that runs the models: by device, the file. For this version of the package only."""

    package: Name
    version: Word
    builds: Annotated[dict[Name, FileId], Meta(min_length=1)]


class Manifest(Wire, frozen=True):
    """A whole manifest. What was read is checked already; what was made is checked before it is published."""

    manifest_version: Literal[1]
    schema: str = field(name="$schema")
    generator: Generator
    delivery: Delivery
    chunks: tuple[ManifestChunk, ...]
    files: dict[FileId, ManifestFile]
    models: dict[Name, ManifestModel]
    runtime: ManifestRuntime | UnsetType = UNSET
