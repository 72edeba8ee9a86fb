"""Pack → manifest. Pure: every field follows from the published bytes or from what was declared."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from msgspec import UNSET, Struct

from modelpack import __version__
from modelpack.digest import canonical_json
from modelpack.publish.hosts import check_limits, download_bytes, mode_of
from modelpack.publish.identity import variant_digest
from modelpack.publish.pack import Pack, PackedChunk, PackedModel, PackedRuntime, PackedVariant
from modelpack.publish.wire import (
    CHUNK_URL,
    MANIFEST_VERSION,
    PLAIN_ONLY,
    SCHEMA_ID,
    DataReference,
    Delivery,
    Encodings,
    Generator,
    Manifest,
    ManifestChunk,
    ManifestFile,
    ManifestModel,
    ManifestPart,
    ManifestRuntime,
    ManifestState,
    ManifestVariant,
    Mode,
    Requires,
    Size,
    ValueMetadata,
    WebgpuNeeds,
)
from modelpack.record import FileLayout, Layout, Part, ValueFacts
from modelpack.spec.variants import HALVES, Device, Dtype

_RUNTIME = "onnxruntime-web"
_PREFERENCE: dict[Device, int] = {"webnn": 0, "webgpu": 0, "wasm": 1}


class _ChunkTable(Struct, frozen=True):
    """The chunks of the manifest, and where each digest stands among them."""

    positions: dict[str, int]
    chunks: tuple[ManifestChunk, ...]
    mode: Mode


def make_manifest(pack: Pack) -> Manifest:
    """The manifest of the pack. Raises: UsageError MP-E113 if the host would refuse a chunk."""
    models = sorted(pack.models, key=lambda model: model.id)
    layouts = [(file_id, file) for model in models for file_id, file in _files(model)]
    if pack.runtime is not None:
        layouts += [(_runtime_file_id(pack.runtime, file), file) for _, file in pack.runtime.builds]
    table = _chunk_table((file for _, file in layouts), pack)
    check_limits(table.chunks, pack.host)
    return Manifest(
        manifest_version=MANIFEST_VERSION,
        schema=SCHEMA_ID,
        generator=Generator("modelpack", __version__),
        delivery=Delivery("./", CHUNK_URL, mode_of(pack.host)),
        chunks=table.chunks,
        files={file_id: _file(file, table) for file_id, file in layouts},
        models={model.id: _model(model, table) for model in models},
        runtime=UNSET if pack.runtime is None else _runtime(pack.runtime),
    )


def encode_manifest(manifest: Manifest) -> bytes:
    """The bytes that are published, and whose SHA-256 an application pins."""
    return canonical_json(manifest)


def by_preference(variants: Iterable[PackedVariant]) -> tuple[PackedVariant, ...]:
    """WebNN and WebGPU first, because a browser that has them is faster with them; then as declared."""
    return tuple(sorted(variants, key=lambda variant: _PREFERENCE[variant.device]))


def _files(model: PackedModel) -> Iterator[tuple[str, FileLayout]]:
    for variant in by_preference(model.variants):
        for file in variant.layout.files:
            yield _variant_file_id(model.id, variant.id, file), file
    for asset in model.assets.files if model.assets is not None else ():
        yield _asset_file_id(model.id, asset), asset


def _variant_file_id(model_id: str, variant_id: str, file: FileLayout) -> str:
    return f"{model_id}@{variant_id}/{file.path}"


def _asset_file_id(model_id: str, asset: FileLayout) -> str:
    return f"{model_id}/{asset.path}"


def _runtime_file_id(runtime: PackedRuntime, file: FileLayout) -> str:
    return f"runtime@{runtime.package}/{file.path}"


def _runtime(runtime: PackedRuntime) -> ManifestRuntime:
    builds: dict[str, str] = {
        device: _runtime_file_id(runtime, file) for device, file in runtime.builds
    }
    return ManifestRuntime(runtime.package, runtime.version, builds)


def _chunk_table(files: Iterable[FileLayout], pack: Pack) -> _ChunkTable:
    """The chunks that the files mention, in order of first mention."""
    mentioned = dict.fromkeys(part.chunk for file in files for part in file.parts if part.chunk)
    known = {chunk.digest: chunk for chunk in pack.chunks}
    mode = mode_of(pack.host)
    return _ChunkTable(
        {digest: position for position, digest in enumerate(mentioned)},
        tuple(_chunk(known[digest], mode) for digest in mentioned),
        mode,
    )


def _chunk(chunk: PackedChunk, mode: Mode) -> ManifestChunk:
    forms = [form for form in chunk.forms if form.size_bytes < chunk.size_bytes]
    if mode == "stored":
        # Brotli cannot be decoded in a page; of equal sizes, gzip needs no decoder of ours and comes first.
        stored = [form for form in forms if form.form != "br"]
        forms = sorted(stored, key=lambda form: (form.size_bytes, form.form))[:1]
    sizes = {form.form: form.size_bytes for form in forms}
    encodings = Encodings(**sizes) if sizes else PLAIN_ONLY
    return ManifestChunk(chunk.digest, chunk.size_bytes, encodings)


def _file(file: FileLayout, table: _ChunkTable) -> ManifestFile:
    parts = tuple(_part(part, table) for part in file.parts)
    return ManifestFile(file.size_bytes, file.digest, file.type, parts)


def _part(part: Part, table: _ChunkTable) -> ManifestPart:
    if not part.chunk:
        return ("z", part.size_bytes)
    position = table.positions[part.chunk]
    if part.offset_bytes == 0 and part.size_bytes == table.chunks[position].size:
        return position
    return (position, part.offset_bytes, part.size_bytes)


def _model(model: PackedModel, table: _ChunkTable) -> ManifestModel:
    return ManifestModel(
        inputs=_metadata(model.inputs),
        outputs=_metadata(model.outputs),
        state=tuple(ManifestState(pair.input, pair.output) for pair in model.state),
        assets={
            asset.path: _asset_file_id(model.id, asset)
            for asset in (model.assets.files if model.assets is not None else ())
        },
        load=model.load,
        group=model.group or UNSET,
        version=model.version or UNSET,
        variants=tuple(
            _variant(model, variant, table) for variant in by_preference(model.variants)
        ),
    )


def _variant(
    model: PackedModel,
    variant: PackedVariant,
    table: _ChunkTable,
) -> ManifestVariant:
    graph, *data = variant.layout.files
    layout = variant.layout
    return ManifestVariant(
        id=variant.id,
        dtype=variant.dtype,
        scheme=variant.scheme,
        digest=variant_digest(graph.digest, ((file.path, file.digest) for file in data)),
        device=variant.device,
        runtime=_RUNTIME,
        execution_providers=(variant.device,),
        requires=_requires(variant.dtype, variant.device),
        graph=_variant_file_id(model.id, variant.id, graph),
        external_data=tuple(
            DataReference(file.path, _variant_file_id(model.id, variant.id, file)) for file in data
        ),
        session_options={},
        size=_size(layout, table),
        inputs=_metadata(layout.inputs) if layout.inputs != model.inputs else UNSET,
        outputs=_metadata(layout.outputs) if layout.outputs != model.outputs else UNSET,
    )


def _requires(dtype: Dtype, device: Device) -> Requires:
    """fp16 without `shader-f16` gave silently wrong results on one WebGPU provider and failed at run on another."""
    if device == "webgpu":
        return Requires(webgpu=WebgpuNeeds(("shader-f16",) if dtype in HALVES else ()))
    return Requires(wasm=("simd",)) if device == "wasm" else Requires()


def _size(layout: Layout, table: _ChunkTable) -> Size:
    mentioned = {part.chunk for file in layout.files for part in file.parts if part.chunk}
    return Size(
        sum(file.size_bytes for file in layout.files),
        sum(
            download_bytes(table.chunks[table.positions[digest]], table.mode)
            for digest in mentioned
        ),
    )


def _metadata(values: Iterable[ValueFacts]) -> tuple[ValueMetadata, ...]:
    return tuple(
        ValueMetadata(
            value.name,
            is_tensor=True,
            type=value.dtype,
            shape=tuple("" if size is None else size for size in value.shape),
        )
        for value in values
    )
