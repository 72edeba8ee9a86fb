"""`modelpack bench`."""

from __future__ import annotations

import argparse

from msgspec import Struct

from modelpack.bench.effort import Effort
from modelpack.bench.machine import machine_id, this_machine
from modelpack.bench.measuring import Wishes
from modelpack.bench.session import Listener, Measured, Order, measure, open_session
from modelpack.cli import bench_options
from modelpack.cli.bench_options import BenchOptions
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.cores import usable_cores
from modelpack.judge.stats import with_runs
from modelpack.measured import Machine
from modelpack.plan import variant_target
from modelpack.publish.folder import read_file
from modelpack.report.bench import MeasuredVariant, bench_text, run_line
from modelpack.report.json import json_document
from modelpack.selection import select
from modelpack.spec.project import Project
from modelpack.store.atomic import write_atomically

EXAMPLES = """\
  modelpack bench                               every variant, natively and in a browser
  modelpack bench minilm@q8 --threads 1,2       one variant, with one thread and with two
  modelpack bench --only browser --slowdown 4   as on a processor a quarter as fast
  modelpack bench --only native --runs 200      without a browser; more inferences
  modelpack bench --browser edge --json         in another browser; the figures for programs"""


class _Answer(Struct, frozen=True, rename="camel"):
    machine: Machine
    variants: tuple[MeasuredVariant, ...]
    notes: tuple[str, ...]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `bench`."""
    bench_options.add_arguments(parser)


def execute(options: BenchOptions, terminal: Terminal) -> int:
    """Measures, keeps the figures in modelpack.stats.json, and prints them."""
    whole = load_project(options)
    project = select(whole, tuple(options.models))
    notes: list[str] = []
    listener = Listener(lambda name, run: terminal.say(f"  {name} {run_line(run)}"), notes.append)
    order = Order(
        project,
        None if options.only == "native" else options.browser,
        options.software_gpu,
        _wishes(options),
    )
    with project_store(whole) as store, open_session(order, whole, store) as session:
        measured = []
        for one in measure(session, listener):
            measured.append(one)
            if options.save:
                _save(whole, one)  # now: whoever stops a long benchmark keeps what it has measured
    found = tuple(
        MeasuredVariant(variant_target(one.model, one.variant), one.runs) for one in measured
    )
    if options.json:
        terminal.data(json_document(_Answer(this_machine(), found, tuple(notes))))
    else:
        terminal.data(bench_text(this_machine(), found, terminal.palette))
    for note in notes:
        terminal.say(f"{terminal.palette('faint', 'note')} {note}")
    return 0


def _wishes(options: BenchOptions) -> Wishes:
    effort = Effort(options.visits, options.warmup, options.runs, options.seconds)
    threads = options.threads or _thread_counts(usable_cores())
    return Wishes(threads, effort, options.only != "browser", options.slowdown)


def _thread_counts(cores: int) -> tuple[int, ...]:
    """1, 2, 4, … and the number of cores."""
    counts = [count for power in range(6) if (count := 2**power) < cores]
    return (*counts, cores)


def _save(whole: Project, measured: Measured) -> None:
    machine = this_machine()
    runs = {measured.digest: measured.runs}
    content = with_runs(read_file(whole.stats), machine_id(machine), machine, runs)
    write_atomically(whole.stats, content)
