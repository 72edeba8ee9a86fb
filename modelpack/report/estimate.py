"""A table of what variants will weigh and lose, before anything heavy is done."""

from __future__ import annotations

from modelpack.estimated import EstimatedVariant, EstimateReport
from modelpack.report.grid import Column, grid
from modelpack.report.palette import Palette, plain
from modelpack.report.words import one_line
from modelpack.units import format_seconds, format_size

_COLUMNS = (
    Column("model"),
    Column("variant"),
    *(Column(name, "right") for name in ("raw", "gzip", "zstd", "br", "download", "1 - cosine")),
    Column(""),
)


def estimate_text(report: EstimateReport, palette: Palette = plain) -> str:
    """The table, what is over a limit, notes, and how long it took."""
    rows = [_row(one, first=_is_first(report, index)) for index, one in enumerate(report.variants)]
    notes = {
        f"{palette('faint', 'note')} {one_line(one.model)}: {one_line(note)}\n"
        for one in report.variants
        for note in one.notes
    }
    table = "\n".join(grid(_COLUMNS, rows, palette))
    seconds = format_seconds(report.seconds)
    return (
        f"{table}\n{''.join(sorted(notes))}foretold in {seconds}; `modelpack build` tells exactly\n"
    )


def _is_first(report: EstimateReport, index: int) -> bool:
    return index == 0 or report.variants[index - 1].model != report.variants[index].model


def _row(one: EstimatedVariant, *, first: bool) -> tuple[str, ...]:
    return (
        one_line(one.model) if first else "",
        one_line(one.variant),
        *(format_size(one.bytes[name]) for name in ("raw", "gzip", "zstd", "br")),
        format_size(one.download_bytes),
        _loss(one),
        _verdict(one),
    )


def _loss(one: EstimatedVariant) -> str:
    if one.loss is None:
        return "?"
    least, most = one.loss
    return f"{least:.1g} to {most:.1g}"


def _verdict(one: EstimatedVariant) -> str:
    """What will not hold, or may not."""
    found = []
    if one.budget_bytes is not None and one.download_bytes > one.budget_bytes:
        found.append(f"over budget ({format_size(one.budget_bytes)})")
    if one.least_cosine is not None and one.loss is not None:
        if 1 - one.loss[0] < one.least_cosine:
            found.append(f"below cosine {one.least_cosine:g}")
        elif 1 - one.loss[1] < one.least_cosine - 1e-12:
            found.append(f"perhaps below cosine {one.least_cosine:g}")
    return ", ".join(found)
