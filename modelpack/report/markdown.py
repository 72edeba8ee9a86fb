"""The check as a pull-request comment, in GitHub's Markdown.

The first line marks the comment, so that a workflow can find its own and replace it. Rows are keyed by model and variant:
names of hashed files would change in every pull request and say nothing.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

from modelpack.published import CheckReport, CheckRow
from modelpack.report.check import (
    BEST,
    change_text,
    failed_text,
    measured_heading,
    measured_of,
    measured_text,
    size_text,
    summary,
    unjudged_text,
    verdict_words,
)
from modelpack.report.metrics import ABSENT, metric_heading, metric_text, metrics_of
from modelpack.report.words import one_line
from modelpack.units import format_size

MARKER = "<!-- modelpack -->"


def check_markdown(report: CheckReport) -> str:
    """A heading, the table, and the failures in full below it."""
    lines = [
        MARKER,
        f"### {_sign(report)} modelpack: {summary(report)}",
        "",
        *_table(report),
    ]
    if any(row.is_best for row in report.variants):
        lines += ["", f"{BEST} no other variant is both smaller and as accurate"]
    details = f"{failed_text(report)}{unjudged_text(report.verdicts)}"
    if details:
        # <pre> with everything escaped: tensor names may hold anything, a fence too.
        lines += ["", f"<pre>{html.escape(details.rstrip(), quote=False)}</pre>"]
    return "\n".join(lines) + "\n"


def _sign(report: CheckReport) -> str:
    broken = {verdict.hints for verdict in report.verdicts if not verdict.passed}
    if "error" in broken:
        return "❌"
    return "⚠️" if broken else "✅"


def _table(report: CheckReport) -> Iterator[str]:
    metrics = metrics_of(row.evaluation for row in report.variants)
    headings = ["model", "variant", "size", "download", "change", "fetched again", "chunks"]
    measured = measured_of(report.variants)
    figures = [*map(metric_heading, metrics), *map(measured_heading, measured)]
    yield _line([*headings, *figures, "verdict"])
    yield _line(["---", "---", *["--:"] * (5 + len(figures)), "---"])
    for row in report.variants:
        yield _line(_cells(row, report, metrics))


def _cells(row: CheckRow, report: CheckReport, metrics: Sequence[str]) -> list[str]:
    return [
        row.model,
        f"{row.variant} {BEST}" if row.is_best else row.variant,
        size_text(row.size_bytes),
        size_text(row.download_bytes),
        change_text(row),
        _refetched(row),
        ABSENT if row.chunks is None else str(row.chunks),
        *(_metric(row, name) for name in metrics),
        *(measured_text(row, name) for name in measured_of(report.variants)),
        verdict_words(row, report.verdicts),
    ]


def _refetched(row: CheckRow) -> str:
    if row.before is None or row.before.refetch_bytes is None:
        return ABSENT
    return format_size(row.before.refetch_bytes)


def _metric(row: CheckRow, name: str) -> str:
    """The figure, and by how much it moved where that shows in four digits."""
    text = metric_text(row.evaluation, name)
    values = row.evaluation.metrics if row.evaluation else ()
    now = next((metric.value for metric in values if metric.metric == name), None)
    before = row.before.accuracy.get(name) if row.before else None
    if now is None or before is None or f"{now - before:+.4f}" in {"+0.0000", "-0.0000"}:
        return text
    return f"{text} ({now - before:+.4f})"


def _line(cells: Sequence[str]) -> str:
    safe = (html.escape(one_line(cell), quote=False).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(safe)} |"
