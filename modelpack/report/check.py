"""What is published, beside its limits: what `modelpack check` says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from modelpack.published import CheckReport, CheckRow
from modelpack.record import Verdict
from modelpack.report.grid import Column, grid
from modelpack.report.metrics import ABSENT, metric_heading, metric_text, metrics_of
from modelpack.report.palette import Palette, plain
from modelpack.report.table import without_repeated_models
from modelpack.report.verdicts import figure_text, verdict_text
from modelpack.report.words import count, one_line
from modelpack.units import format_size

BEST = "★"
_MEASURED = {
    "latency_p50": "p50",
    "latency_p95": "p95",
    "first_inference": "first",
    "memory": "memory",
}


def check_text(report: CheckReport, palette: Palette = plain) -> str:
    """The table, limits that do not hold, those that could not be judged, and a closing line."""
    blocks = (
        check_table(report, palette),
        failed_text(report, palette),
        unjudged_text(report.verdicts, palette),
        f"{summary(report)}\n",
    )
    return "\n".join(block for block in blocks if block)


def check_table(report: CheckReport, palette: Palette = plain) -> str:
    """One row for each variant; those that no other beats in both size and accuracy have a star."""
    metrics = metrics_of(row.evaluation for row in report.variants)
    columns = [
        Column("model"),
        Column("variant"),
        *(Column(name, "right") for name in ("size", "download", "change", "chunks")),
        *(Column(metric_heading(name), "right") for name in metrics),
        *(Column(measured_heading(name), "right") for name in measured_of(report.variants)),
        Column("verdict"),
    ]
    rows = [_row(row, report, metrics) for row in report.variants]
    table = "\n".join(grid(columns, without_repeated_models(rows), palette)) + "\n"
    if any(row.is_best for row in report.variants):
        table += f"{palette('faint', f'{BEST} no other variant is both smaller and as accurate')}\n"
    return table


def failed_text(report: CheckReport, palette: Palette = plain) -> str:
    """A block for each limit that does not hold, with its worst sample."""
    evaluations = {f"{row.model}@{row.variant}": row.evaluation for row in report.variants}
    return "\n".join(
        verdict_text(verdict, evaluations.get(verdict.target), palette)
        for verdict in report.verdicts
        if not verdict.passed
    )


def unjudged_text(verdicts: Iterable[Verdict], palette: Palette = plain) -> str:
    """A line for each limit that could not be judged, and why."""
    return "".join(
        f"{palette('faint', 'note')} {one_line(verdict.key)}: {verdict.target} is not judged: {verdict.note}\n"
        for verdict in verdicts
        if verdict.note
    )


def summary(report: CheckReport) -> str:
    """How many limits hold."""
    judged = [verdict for verdict in report.verdicts if not verdict.note]
    broken = sum(not verdict.passed for verdict in judged)
    if not broken:
        return f"{count(len(judged), 'limit')}, all held" if judged else "no limits"
    return f"{broken} of {count(len(judged), 'limit')} {'does' if broken == 1 else 'do'} not hold"


def verdict_words(row: CheckRow, verdicts: Iterable[Verdict]) -> str:
    """`ok`, or the limits that do not hold: `over download, cosine not measured`."""
    own = [one for one in verdicts if (one.model, one.variant) == (row.model, row.variant)]
    broken = [_broken(verdict) for verdict in own if not verdict.passed]
    if broken:
        return ", ".join(broken)
    return "ok" if any(not verdict.note for verdict in own) else ABSENT


def change_text(row: CheckRow) -> str:
    """How the download compares with the baseline's: `+2.1 %`."""
    if row.before is None or row.download_bytes is None or not row.before.download_bytes:
        return ABSENT
    return percent_text(row.before.download_bytes, row.download_bytes)


def percent_text(before: float, after: float) -> str:
    """The change in per cent; `=` where there is none."""
    if before == after:
        return "="
    return f"{(after / before - 1) * 100:+.1f} %" if before else "new"


def size_text(size_bytes: int | None) -> str:
    """The size; a dash where it is not known."""
    return ABSENT if size_bytes is None else format_size(size_bytes)


def measured_of(rows: Iterable[CheckRow]) -> tuple[str, ...]:
    """What was measured of any of them in a browser, in a fixed order."""
    present = {name for row in rows for name in row.measured}
    return tuple(name for name in _MEASURED if name in present)


def measured_heading(name: str) -> str:
    """The heading of what was measured in a browser."""
    return _MEASURED[name]


def measured_text(row: CheckRow, name: str) -> str:
    """The figure; a dash where it was not measured."""
    figure = row.measured.get(name)
    return ABSENT if figure is None else figure_text(name, figure)


def _broken(verdict: Verdict) -> str:
    if verdict.measured is None:
        return f"{verdict.quantity} not measured"
    words = f"{'under' if verdict.comparison == '>=' else 'over'} {verdict.quantity}"
    return words if verdict.hints == "error" else f"{words} (warning)"


def _row(row: CheckRow, report: CheckReport, metrics: Sequence[str]) -> tuple[str, ...]:
    return (
        row.model,
        f"{row.variant} {BEST}" if row.is_best else row.variant,
        size_text(row.size_bytes),
        size_text(row.download_bytes),
        change_text(row),
        ABSENT if row.chunks is None else str(row.chunks),
        *(metric_text(row.evaluation, name) for name in metrics),
        *(measured_text(row, name) for name in measured_of(report.variants)),
        verdict_words(row, report.verdicts),
    )
