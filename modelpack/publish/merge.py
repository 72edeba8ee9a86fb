"""A partial build's pack, completed by what an earlier manifest publishes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from msgspec import UNSET, Struct, UnsetType, ValidationError, convert
from msgspec.structs import replace

from modelpack.errors import ManifestError, UsageError
from modelpack.publish.hosts import mode_of
from modelpack.publish.pack import Pack, PackedChunk, PackedForm, PackedModel, PackedVariant
from modelpack.publish.parts import Slice, file_slices
from modelpack.publish.wire import Manifest, ManifestModel, ManifestVariant, ValueMetadata
from modelpack.record import FileLayout, Layout, Part, ValueFacts
from modelpack.spec.golden import StatePair
from modelpack.spec.variants import Device, Dtype


class _Kind(Struct, frozen=True):
    """What a variant must be for us to hand it over again."""

    dtype: Dtype
    device: Device


def merge_models(new: Pack, previous: Manifest | None, keep: tuple[str, ...]) -> Pack:
    """`new`, with every model or variant named in `keep` that only `previous` has.

    `keep` names what is still configured, as `model` or `model@variant`; what is not named is dropped. A model that
    both have keeps the order of variants it had, with new ones at its end.

    Raises: UsageError MP-E113 if the host has changed in between from one that stores forms to one that negotiates;
    ManifestError MP-E710 if a kept variant is of a kind that this version does not know.
    """
    if previous is None:
        return new
    if previous.delivery.mode != mode_of(new.host):
        raise UsageError(
            "MP-E113",
            f"the published files are for a host that is not like {new.host}",
            where="output.host",
            remedy="run `modelpack build` without naming models",
        )
    models = {model.id: model for model in new.models}
    for model_id in previous.models:
        models[model_id] = _united(unpack_model(previous, model_id), models.get(model_id), keep)
    present = tuple(model for model in models.values() if model.variants)
    chunks = _united_chunks(new, previous, _kept_digests(present, new))
    return Pack(present, chunks, new.host, new.runtime)


def unpack_model(manifest: Manifest, model_id: str) -> PackedModel:
    """The published model as it was handed over."""
    model = manifest.models[model_id]
    assets = tuple(
        _file(manifest, file_id, name, "asset") for name, file_id in model.assets.items()
    )
    return PackedModel(
        model_id,
        _facts(model.inputs),
        _facts(model.outputs),
        tuple(StatePair(pair.input, pair.output) for pair in model.state),
        Layout(assets) if assets else None,
        model.load,
        _text(model.group),
        tuple(_variant(manifest, model, variant) for variant in model.variants),
        _text(model.version),
    )


def unpack_chunks(manifest: Manifest) -> tuple[PackedChunk, ...]:
    """The published chunks; their encoded forms are known by size alone."""
    return tuple(
        PackedChunk(
            chunk.hash,
            chunk.size,
            tuple(PackedForm(form, None, size) for form, size in chunk.enc.sizes()),
        )
        for chunk in manifest.chunks
    )


def _united(old: PackedModel, new: PackedModel | None, keep: tuple[str, ...]) -> PackedModel:
    """The model as it is published next, perhaps without variants."""
    if new is None and old.id in keep:
        return old
    built = {variant.id: variant for variant in new.variants} if new is not None else {}
    known = [
        built.pop(variant.id, variant)
        for variant in old.variants
        if variant.id in built or f"{old.id}@{variant.id}" in keep
    ]
    return replace(new or old, variants=(*known, *built.values()))


def _united_chunks(new: Pack, previous: Manifest, kept: frozenset[str]) -> tuple[PackedChunk, ...]:
    """Every chunk once; one that a kept variant needs keeps its forms beside the new: it may have brotli, and new floats not."""
    chunks = {chunk.digest: chunk for chunk in unpack_chunks(previous)}
    for chunk in new.chunks:
        old = chunks[chunk.digest].forms if chunk.digest in kept else ()
        forms = {packed.form: packed for packed in (*old, *chunk.forms)}
        chunks[chunk.digest] = replace(chunk, forms=tuple(forms.values()))
    return tuple(chunks.values())


def _kept_digests(models: Iterable[PackedModel], new: Pack) -> frozenset[str]:
    """The chunks of the variants, and of the assets, that `new` does not have."""
    built = {(model.id, variant.id) for model in new.models for variant in model.variants}
    rebuilt = {model.id for model in new.models}
    layouts = [
        *(
            one.layout
            for model in models
            for one in model.variants
            if (model.id, one.id) not in built
        ),
        *(model.assets for model in models if model.assets and model.id not in rebuilt),
    ]
    return frozenset(part.chunk for each in layouts for file in each.files for part in file.parts)


def _variant(manifest: Manifest, model: ManifestModel, variant: ManifestVariant) -> PackedVariant:
    graph_name = variant.graph.rsplit("/", 1)[1]
    files = (
        _file(manifest, variant.graph, graph_name, "graph"),
        *(_file(manifest, data.file, data.path, "data") for data in variant.external_data),
    )
    inputs = model.inputs if variant.inputs is UNSET else variant.inputs
    outputs = model.outputs if variant.outputs is UNSET else variant.outputs
    kind = _kind(variant)
    return PackedVariant(
        variant.id,
        kind.dtype,
        variant.scheme,
        kind.device,
        Layout(files, _facts(inputs), _facts(outputs)),
    )


def _kind(variant: ManifestVariant) -> _Kind:
    try:
        return convert({"dtype": variant.dtype, "device": variant.device}, _Kind)
    except ValidationError as err:
        raise ManifestError(
            "MP-E710",
            f"the variant {variant.id} is {variant.dtype} for {variant.device}, "
            "which this version of modelpack does not build",
            where="manifest.json",
            remedy="run `modelpack build` without naming models",
        ) from err


def _file(
    manifest: Manifest, file_id: str, path: str, role: Literal["graph", "data", "asset"]
) -> FileLayout:
    file = manifest.files[file_id]
    parts = tuple(_part(manifest, part) for part in file_slices(manifest, file))
    return FileLayout(path, role, file.type, file.hash, file.size, parts)


def _part(manifest: Manifest, part: Slice) -> Part:
    chunk = "" if part.chunk is None else manifest.chunks[part.chunk].hash
    return Part(chunk, part.offset_bytes, part.size_bytes)


def _facts(values: Iterable[ValueMetadata]) -> tuple[ValueFacts, ...]:
    return tuple(
        ValueFacts(
            value.name, value.type, tuple(None if size == "" else size for size in value.shape)
        )
        for value in values
    )


def _text(value: str | UnsetType) -> str | None:
    return None if value is UNSET else value
