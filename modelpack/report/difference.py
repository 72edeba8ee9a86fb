"""Two packs side by side: what `modelpack diff` says."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelpack.published import PublishedVariant, VariantDifference
from modelpack.report.check import percent_text
from modelpack.report.grid import Column, grid
from modelpack.report.json import json_document
from modelpack.report.metrics import ABSENT, metric_heading
from modelpack.report.palette import Palette, plain
from modelpack.report.words import count
from modelpack.units import format_share, format_size


def difference_text(found: Sequence[VariantDifference], palette: Palette = plain) -> str:
    """One row for each variant, the accuracies that moved below it, and how much somebody who has the first fetches again."""
    columns = [
        Column("variant"),
        *(Column(name, "right") for name in ("size", "change", "download", "change ")),
        Column("fetched again", "right"),
    ]
    lines = list(grid(columns, [_row(one) for one in found], palette))
    lines += [line for one in found for line in _accuracies(one)]
    return "\n".join((*lines, "", _summary(found))) + "\n"


def difference_json(found: Sequence[VariantDifference]) -> bytes:
    """`{"variants": [{"variant", "before", "after", "refetchBytes"}]}`."""
    return json_document({"variants": tuple(found)})


def _row(one: VariantDifference) -> tuple[str, ...]:
    if one.after is None:
        return (one.variant, "removed", "", "", "", "")
    sizes = (one.before.size_bytes if one.before else 0, one.after.size_bytes)
    downloads = (one.before.download_bytes if one.before else 0, one.after.download_bytes)
    return (
        one.variant,
        format_size(sizes[1]),
        percent_text(*sizes),
        format_size(downloads[1]),
        percent_text(*downloads),
        _refetched(one, downloads[1]),
    )


def _refetched(one: VariantDifference, download_bytes: int) -> str:
    share = one.refetch_bytes / download_bytes if download_bytes else 0.0
    return f"{format_size(one.refetch_bytes)} ({format_share(share)})"


def _accuracies(one: VariantDifference) -> Iterator[str]:
    before, after = _accuracy(one.before), _accuracy(one.after)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            moved = " → ".join(_figure(side.get(name)) for side in (before, after))
            yield f"{one.variant} {metric_heading(name)}: {moved}"


def _accuracy(variant: PublishedVariant | None) -> dict[str, float]:
    return variant.accuracy if variant else {}


def _figure(figure: float | None) -> str:
    return ABSENT if figure is None else f"{figure:.6g}"


def _summary(found: Sequence[VariantDifference]) -> str:
    changed = [one for one in found if _identity(one.before) != _identity(one.after)]
    if not changed:
        return "no variant changed"
    return f"{len(changed)} of {count(len(found), 'variant')} changed"


def _identity(variant: PublishedVariant | None) -> tuple[str, int] | None:
    return (variant.digest, variant.download_bytes) if variant else None
