"""Two packs, variant by variant: what changed, and what somebody who has the first fetches again for the second."""

from __future__ import annotations

from collections.abc import Mapping

from modelpack.published import PublishedVariant, VariantDifference


def differences(
    before: Mapping[str, PublishedVariant], after: Mapping[str, PublishedVariant]
) -> tuple[VariantDifference, ...]:
    """One for each variant of either, in order of names; those with the same digest, bytes and accuracy too."""
    return tuple(
        VariantDifference(
            name,
            before.get(name),
            after.get(name),
            refetch_bytes(before.get(name), after[name]) if name in after else 0,
        )
        for name in sorted(before.keys() | after.keys())
    )


def refetch_bytes(before: PublishedVariant | None, after: PublishedVariant) -> int:
    """The bytes on the wire in chunks of `after` that `before` does not have."""
    held = before.chunks if before else {}
    return sum(size for chunk, size in after.chunks.items() if chunk not in held)
