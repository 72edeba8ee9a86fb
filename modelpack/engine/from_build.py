"""A build's report as a check: what a build that published nothing would have published."""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

import msgspec

from modelpack.engine.figures import read_baseline
from modelpack.errors import UsageError
from modelpack.judge.best import mark_best
from modelpack.published import CheckReport, CheckRow, PublishedFigures, PublishedVariant
from modelpack.record import BuildReport, VariantReport
from modelpack.spec.project import Project


def check_of_build(path: Path, project: Project) -> CheckReport:
    """What `modelpack build --json` wrote to `path`, beside the committed baseline.

    Raises: UsageError MP-E611 if the file holds no such report, MP-E610 if the baseline is malformed.
    """
    report = _read(path)
    baseline = read_baseline(project.baseline)
    rows = [
        _row(row, baseline.variants.get(f"{row.model}@{row.variant}")) for row in report.variants
    ]
    golden = {model.id: model.golden for model in project.models}
    return CheckReport(
        tuple(
            marked
            for model, own in groupby(rows, key=lambda row: row.model)
            for marked in mark_best(tuple(own), golden.get(model))
        ),
        report.verdicts,
    )


def _read(path: Path) -> BuildReport:
    try:
        return msgspec.json.decode(path.read_bytes(), type=BuildReport)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as err:
        why = err.strerror if isinstance(err, OSError) else err
        raise UsageError(
            "MP-E611",
            f"holds no report of a build ({why})",
            where=str(path),
            remedy="write it with `modelpack build --json > build.json`",
        ) from err


def _row(row: VariantReport, before: PublishedVariant | None) -> CheckRow:
    return CheckRow(
        row.model,
        row.variant,
        row.dtype,
        row.device,
        row.size_bytes,
        row.download_bytes,
        row.chunks,
        row.evaluation,
        _figures(before) if before else None,
    )


def _figures(before: PublishedVariant) -> PublishedFigures:
    # A report names no chunks, so what is fetched again cannot be known.
    return PublishedFigures(
        before.download_bytes, before.size_bytes, len(before.chunks), None, before.accuracy
    )
