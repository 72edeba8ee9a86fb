"""What must hold between the fields of a manifest. Each rule is one function and raises RuleError.

1. Chunks are fetched from beneath the manifest, each under one name. 2. Parts lie inside chunks and add up to files.
3. Nothing is listed that nothing refers to. 4. References resolve. 5. Names are unique. 6. Sizes and identities are
those that follow from the files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import chain

from msgspec import UNSET

from modelpack.publish.identity import variant_digest
from modelpack.publish.parts import Slice, file_slices
from modelpack.publish.sizes import variant_file_ids, variant_transfer_bytes
from modelpack.publish.wire import (
    MAX_SAFE_INTEGER,
    MAX_ZERO_RUN_BYTES,
    Manifest,
    ManifestFile,
    ManifestModel,
    ManifestVariant,
)

_BASE = re.compile(r"\./([a-z0-9][a-z0-9._-]*/)*")
_CHUNK_URL = re.compile(r"([a-z0-9][a-z0-9._-]*/)*([a-z0-9_-][a-z0-9._-]{0,63})?\{hash\}\{ext\}")
_MIRROR = re.compile(r"https://[A-Za-z0-9.-]+(:\d+)?/([A-Za-z0-9._~-]+/)*")


class RuleError(ValueError):
    """A rule does not hold; the message says where, what was found and what was expected."""


def check_rules(manifest: Manifest) -> None:
    """Raises: RuleError if a rule does not hold."""
    _check_delivery(manifest)
    _check_chunks(manifest)
    for file_id, file in manifest.files.items():
        _check_file(manifest, file_id, file)
    _check_nothing_idle(manifest)
    for model_id, model in manifest.models.items():
        _check_model(manifest, model_id, model)


def _check_delivery(manifest: Manifest) -> None:
    """Rule 1."""
    delivery = manifest.delivery
    if not _BASE.fullmatch(delivery.base):
        raise RuleError(f"delivery.base is {delivery.base!r}; expected a folder such as './'")
    if not _CHUNK_URL.fullmatch(delivery.chunk_url):
        raise RuleError(
            f"delivery.chunkUrl is {delivery.chunk_url!r}; expected a relative name "
            "such as 'c/{hash}{ext}'"
        )
    for mirror in delivery.mirrors:
        if not _MIRROR.fullmatch(mirror):
            raise RuleError(f"delivery.mirrors has {mirror!r}; expected 'https://host/folder/'")


def _check_chunks(manifest: Manifest) -> None:
    """Rules 1 and 5."""
    _check_unique("chunks", (chunk.hash for chunk in manifest.chunks))
    if manifest.delivery.mode == "transport":
        return
    for position, chunk in enumerate(manifest.chunks):
        forms = [form for form, _ in chunk.enc.sizes()]
        if len(forms) > 1 or "br" in forms:
            raise RuleError(
                f"chunks[{position}].enc has {', '.join(forms)}; "
                "a stored chunk has one form, gzip or zstd"
            )


def _check_file(manifest: Manifest, file_id: str, file: ManifestFile) -> None:
    """Rule 2."""
    try:
        slices = file_slices(manifest, file)
    except ValueError as err:
        raise RuleError(f"files.{file_id}.parts: {err}") from err
    for number, part in enumerate(slices):
        _check_slice(manifest, part, f"files.{file_id}.parts[{number}]")
    total_bytes = sum(part.size_bytes for part in slices)
    if total_bytes != file.size:
        raise RuleError(f"files.{file_id}: parts make {total_bytes} bytes; expected {file.size}")


def _check_slice(manifest: Manifest, part: Slice, where: str) -> None:
    if part.chunk is None:
        if not 0 < part.size_bytes <= MAX_ZERO_RUN_BYTES:
            raise RuleError(f"{where}: {part.size_bytes} zeros; at most {MAX_ZERO_RUN_BYTES}")
        return
    size_bytes = manifest.chunks[part.chunk].size
    if part.size_bytes < 1 or part.offset_bytes + part.size_bytes > size_bytes:
        raise RuleError(
            f"{where}: {part.size_bytes} bytes from {part.offset_bytes} "
            f"do not lie inside a chunk of {size_bytes} bytes"
        )


def _check_nothing_idle(manifest: Manifest) -> None:
    """Rules 3 and 4: every file has a use and every chunk a file; every reference has its file."""
    named = set(_references(manifest))
    for file_id in sorted(named - manifest.files.keys()):
        raise RuleError(f"{file_id} is referred to, but files does not list it")
    for file_id in sorted(manifest.files.keys() - named):
        raise RuleError(f"files.{file_id}: nothing refers to it")
    used = {part.chunk for file in manifest.files.values() for part in file_slices(manifest, file)}
    for position in range(len(manifest.chunks)):
        if position not in used:
            raise RuleError(f"chunks[{position}]: no file has a part of it")


def _references(manifest: Manifest) -> Iterable[str]:
    builds = () if manifest.runtime is UNSET else manifest.runtime.builds.values()
    of_models = (
        chain(model.assets.values(), *(variant_file_ids(variant) for variant in model.variants))
        for model in manifest.models.values()
    )
    return chain(builds, *of_models)


def _check_model(manifest: Manifest, model_id: str, model: ManifestModel) -> None:
    """Rules 4 and 5."""
    where = f"models.{model_id}"
    inputs = [value.name for value in model.inputs]
    outputs = [value.name for value in model.outputs]
    _check_unique(f"{where}.inputs", inputs)
    _check_unique(f"{where}.outputs", outputs)
    _check_unique(f"{where}.variants", (variant.id for variant in model.variants))
    for pair in model.state:
        if pair.input not in inputs or pair.output not in outputs:
            raise RuleError(
                f"{where}.state: {pair.input!r} or {pair.output!r} is not of this model"
            )
    for variant in model.variants:
        _check_variant(manifest, variant, f"{where}.variants.{variant.id}")


def _check_variant(manifest: Manifest, variant: ManifestVariant, where: str) -> None:
    """Rules 5 and 6."""
    _check_unique(f"{where}.externalData", (reference.path for reference in variant.external_data))
    for field, values in (("inputs", variant.inputs), ("outputs", variant.outputs)):
        if values is not UNSET:
            _check_unique(f"{where}.{field}", (value.name for value in values))
    decoded = sum(manifest.files[file_id].size for file_id in variant_file_ids(variant))
    _check_figure(f"{where}.size.decoded", variant.size.decoded, min(decoded, MAX_SAFE_INTEGER))
    transfer = variant_transfer_bytes(manifest, variant)
    _check_figure(f"{where}.size.transfer", variant.size.transfer, transfer)
    _check_figure(f"{where}.digest", variant.digest, _identity(manifest, variant))


def _identity(manifest: Manifest, variant: ManifestVariant) -> str:
    graph = manifest.files[variant.graph].hash
    return variant_digest(
        graph, ((data.path, manifest.files[data.file].hash) for data in variant.external_data)
    )


def _check_figure(where: str, found: object, expected: object) -> None:
    if found != expected:
        raise RuleError(f"{where} is {found}; its files make {expected}")


def _check_unique(where: str, names: Iterable[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise RuleError(f"{where}: {name!r} is there twice")
        seen.add(name)
