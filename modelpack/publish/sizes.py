"""Bytes and requests of a variant, read off its manifest: figures for the judge and the report."""

from __future__ import annotations

from collections import Counter

from modelpack.publish.hosts import download_bytes
from modelpack.publish.parts import file_slices
from modelpack.publish.wire import Manifest, ManifestModel, ManifestVariant


def variant_file_ids(variant: ManifestVariant) -> tuple[str, ...]:
    """The ids of the graph and of its data files."""
    return (variant.graph, *(reference.file for reference in variant.external_data))


def variant_chunks(manifest: Manifest, variant: ManifestVariant) -> tuple[int, ...]:
    """The positions of the distinct chunks of the variant, ascending."""
    return tuple(
        sorted(
            {
                part.chunk
                for file_id in variant_file_ids(variant)
                for part in file_slices(manifest, manifest.files[file_id])
                if part.chunk is not None
            }
        )
    )


def variant_chunk_count(manifest: Manifest, variant: ManifestVariant) -> int:
    """How many requests a first visit makes for the variant."""
    return len(variant_chunks(manifest, variant))


def variant_transfer_bytes(manifest: Manifest, variant: ManifestVariant) -> int:
    """What the declared host sends to a first visit for the variant's graph and data."""
    return sum(
        download_bytes(manifest.chunks[position], manifest.delivery.mode)
        for position in variant_chunks(manifest, variant)
    )


def asset_transfers(manifest: Manifest, model: ManifestModel) -> dict[str, int]:
    """The bytes on the wire of each asset of the model by name. A chunk that two of them share counts for the first."""
    counted: set[int] = set()
    transfers: dict[str, int] = {}
    for name, file_id in model.assets.items():
        parts = file_slices(manifest, manifest.files[file_id])
        chunks = {part.chunk for part in parts if part.chunk is not None} - counted
        transfers[name] = sum(
            download_bytes(manifest.chunks[position], manifest.delivery.mode) for position in chunks
        )
        counted |= chunks
    return transfers


def variant_transfers(manifest: Manifest, variant: ManifestVariant) -> tuple[tuple[str, int], ...]:
    """The hash and the bytes on the wire of each chunk of the variant, in the order of the manifest."""
    chunks = [manifest.chunks[position] for position in variant_chunks(manifest, variant)]
    return tuple((chunk.hash, download_bytes(chunk, manifest.delivery.mode)) for chunk in chunks)


def shared_shares(manifest: Manifest) -> dict[tuple[str, str], float]:
    """For each (model, variant), the share of its transfer, 0 to 1, in chunks that another variant has too."""
    chunks = {
        (model_id, variant.id): variant_chunks(manifest, variant)
        for model_id, model in manifest.models.items()
        for variant in model.variants
    }
    uses = Counter(position for positions in chunks.values() for position in positions)
    return {key: _shared(manifest, positions, uses) for key, positions in chunks.items()}


def _shared(manifest: Manifest, positions: tuple[int, ...], uses: Counter[int]) -> float:
    sizes = {
        position: download_bytes(manifest.chunks[position], manifest.delivery.mode)
        for position in positions
    }
    total_bytes = sum(sizes.values())
    shared_bytes = sum(size for position, size in sizes.items() if uses[position] > 1)
    return shared_bytes / total_bytes if total_bytes else 0.0
