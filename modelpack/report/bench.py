"""What was measured, as `modelpack bench` says it: one row for each way to run a variant, and what follows from the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct

from modelpack.measured import Machine, Run, TensorCopy
from modelpack.report.grid import Column, grid
from modelpack.report.metrics import ABSENT, metric_heading, metric_text, metrics_of
from modelpack.report.palette import Palette, plain
from modelpack.report.words import count, one_line
from modelpack.units import format_latency, format_share, format_size

_WORTH = 0.9  # more threads must save a tenth: each of them takes a core from the rest of the page
_MOST_OPERATORS = 3
_EMULATED = "times with an emulated GPU say nothing about a real one; the accuracy does"


class MeasuredVariant(Struct, frozen=True, rename="camel"):
    """A variant by its name, and its runs."""

    variant: str
    runs: tuple[Run, ...]


def bench_text(machine: Machine, found: Sequence[MeasuredVariant], palette: Palette = plain) -> str:
    """The machine, the table, and for each variant: threads to use, what takes the time, what is copied."""
    lines = [machine_text(machine), "", *_table(found, palette)]
    advice = [line for one in found for line in _advice(one)]
    return "\n".join((*lines, *(["", *advice] if advice else []))) + "\n"


def machine_text(machine: Machine) -> str:
    """`Linux x86_64, Xeon …, 2 cores, 25.3 GB`."""
    memory = format_size(machine.memory_bytes)
    return (
        f"{machine.system}, {one_line(machine.processor)}, {count(machine.cores, 'core')}, {memory}"
    )


def run_line(run: Run) -> str:
    """What was measured just now, in one line."""
    return (
        f"{setting_text(run)}: p50 {format_latency(run.p50_s)}, first {format_latency(run.first_s)}"
    )


def setting_text(run: Run) -> str:
    """`chromium wasm, 2 threads, 4 times slower`."""
    words = [f"{run.engine} {run.device}", count(run.threads, "thread")]
    if run.slowdown != 1:
        words.append(f"{run.slowdown:g} times slower")
    if run.is_software:
        words.append("emulated GPU")
    return ", ".join(words)


def recommended_threads(runs: Sequence[Run]) -> tuple[Run, Run] | None:
    """The run to prefer among those of one browser, and the one with one thread; None where there is nothing to choose.

    The fewest threads that are within a tenth of the fastest: threads are taken from the rest of the page.
    """
    sweep = [run for run in runs if run.device == "wasm" and run.slowdown == 1]
    single = next((run for run in sweep if run.threads == 1), None)
    if single is None or len(sweep) < 2:
        return None
    fastest = min(run.p50_s for run in sweep)
    good = [run for run in sweep if run.p50_s * _WORTH <= fastest]
    return min(good, key=lambda run: run.threads), single


def threads_text(runs: Sequence[Run]) -> str:
    """How many threads to use, and why; empty where there is nothing to choose."""
    choice = recommended_threads(runs)
    if choice is None:
        return ""
    best, single = choice
    if best.threads == 1:
        return "1; more do not make it a tenth faster"
    return f"{best.threads}, {single.p50_s / best.p50_s:.1f} times as fast as 1"


def _table(found: Sequence[MeasuredVariant], palette: Palette) -> tuple[str, ...]:
    metrics = metrics_of(run.accuracy for one in found for run in one.runs)
    columns = [
        Column("variant"),
        Column("run"),
        *(
            Column(name, "right")
            for name in ("load", "first", "p50", "p95", "p99", "memory", "heap")
        ),
        *(Column(metric_heading(name), "right") for name in metrics),
    ]
    rows = [
        ("" if index else one.variant, *_cells(run, metrics))
        for one in found
        for index, run in enumerate(one.runs)
    ]
    return grid(columns, rows, palette)


def _cells(run: Run, metrics: Sequence[str]) -> tuple[str, ...]:
    times = (run.load_s, run.first_s, run.p50_s, run.p95_s, run.p99_s)
    return (
        setting_text(run),
        *map(format_latency, times),
        *(
            ABSENT if size is None else format_size(size)
            for size in (run.memory_bytes, run.heap_bytes)
        ),
        *(metric_text(run.accuracy, name) for name in metrics),
    )


def _advice(one: MeasuredVariant) -> Iterator[str]:
    threads = threads_text(one.runs)
    if threads:
        yield f"{one.variant} threads: {threads}"
    operators = next((run.operators for run in one.runs if run.operators), ())
    if operators:
        shares = ", ".join(
            f"{one_line(each.operator)} {format_share(each.share)} ({format_size(each.weight_bytes)} of weights)"
            for each in operators[:_MOST_OPERATORS]
        )
        yield f"{one.variant} time natively: {shares}"
    if any(run.is_software for run in one.runs):
        yield f"{one.variant}: {_EMULATED}"
    copies = next((run.copies for run in one.runs if run.copies), ())
    if copies:
        yield f"{one.variant} copies in each inference: {_copies(copies)}"


def _copies(copies: Sequence[TensorCopy]) -> str:
    total = sum(copy.size_bytes * len(copy.copies) for copy in copies)
    saved = [copy for copy in copies if copy.transferable]
    names = ", ".join(one_line(copy.name) for copy in saved)
    size = format_size(sum(copy.size_bytes for copy in saved))
    advice = f"; run(feeds, {{ transfer: true }}) saves {size} of them ({names})" if saved else ""
    return f"{format_size(total)}{advice}"
