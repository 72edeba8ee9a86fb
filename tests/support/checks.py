"""Checks of packs that never were, with figures that repeat."""

from __future__ import annotations

import msgspec

from modelpack.published import CheckReport, CheckRow, PublishedFigures, PublishedVariant
from modelpack.record import Verdict
from tests.support.reports import both, inaccurate, over_download


def check_row(
    variant: str, *, download_bytes: int | None = 17_400_000, best: bool = False
) -> CheckRow:
    """A row of minilm; the baseline has 17 MB and a cosine of 0.97, and 4.2 MB are new."""
    return CheckRow(
        "minilm",
        variant,
        "q8",
        "wasm",
        22_900_000 if download_bytes else None,
        download_bytes,
        8 if download_bytes else None,
        both(0.962, 0.975) if download_bytes else None,
        PublishedFigures(17_000_000, 22_000_000, 7, 4_200_000, {"cosine": 0.97}),
        best,
    )


def verdict(quantity: str, *, passed: bool = True, **changes: object) -> Verdict:
    """A limit of minilm@q8."""
    made = Verdict(
        "minilm", "q8", quantity, "<=", 60.0, 8, passed, "error", f"models.minilm.budget.{quantity}"
    )
    return msgspec.structs.replace(made, **changes)


def mixed_check() -> CheckReport:
    """Limits that hold, do not hold, only warn, were not measured, and could not be judged."""
    hostile = verdict(
        "chunks", passed=False, measured=61, hints="warning", contributors=(("w</pre>\x1b[2J", 5),)
    )
    return CheckReport(
        (check_row("q8", best=True), check_row("q4", download_bytes=None)),
        (
            over_download(),
            hostile,
            verdict("size", limit=24e6, measured=22_900_000),
            verdict("update", measured=None, note="no baseline has this variant", limit=0.0),
            verdict("load_time.fast4g", passed=False, limit=14.0, measured=19.25, baseline=None),
            inaccurate(),
            verdict("download", passed=False, variant="q4", measured=None, limit=14e6),
        ),
    )


def published(download_bytes: int, cosine: float | None = None, **chunks: int) -> PublishedVariant:
    """A variant with these chunks, twice as large unpacked."""
    accuracy = {} if cosine is None else {"cosine": cosine}
    digest = f"{download_bytes:064x}"
    return PublishedVariant(digest, download_bytes, 2 * download_bytes, chunks, accuracy)
