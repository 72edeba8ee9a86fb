"""`modelpack build`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec
from msgspec.structs import replace

from modelpack.bench.trial.trials import BrowserTrials, Order
from modelpack.cli.fast import record_for
from modelpack.cli.forecast import forecast
from modelpack.cli.options import Options, add_jobs, add_models
from modelpack.cli.progress import show_count, show_progress
from modelpack.cli.project import config_path, load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.digest import digest_file
from modelpack.engine.build import Outcome, Request, build_project
from modelpack.engine.fastpath import remember
from modelpack.engine.locking import check_lock, record_hub
from modelpack.engine.runner import Listener
from modelpack.engine.settling import settle
from modelpack.engine.survey import survey
from modelpack.engine.trials import Trials, no_trials
from modelpack.engine.workers import ProcessWorkers, Workers
from modelpack.plan import make_plan
from modelpack.report.build import build_text, failure_text, unchanged_text
from modelpack.report.dry_run import dry_run_json, dry_run_text
from modelpack.report.json import report_json, report_line
from modelpack.selection import select
from modelpack.sources.lock import lock_path
from modelpack.sources.runtime import release_trail
from modelpack.spec.project import Mode, Project
from modelpack.store.collection import collect_when_due
from modelpack.store.store import Store

EXAMPLES = """\
  modelpack build                          build what changed, publish if every limit holds
  modelpack build minilm                   one model; the others stay as they are published
  modelpack build 'minilm@q*' --dry-run    what would run, and why
  modelpack build --mode development       quick compression, budgets only warn
  modelpack build --frozen                 in CI: fail if the published files are out of date
  modelpack build --json=stream            one JSON object a line while it runs"""


class BuildOptions(Options):
    """What `build` understands."""

    models: list[str]
    mode: Mode
    dry_run: bool
    force: bool
    frozen: bool
    keep_going: bool
    jobs: int
    json: Literal["report", "stream"] | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `build`."""
    add_models(parser)
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="say what would run; run nothing"
    )
    parser.add_argument("--force", action="store_true", help="run every step again, cached or not")
    parser.add_argument(
        "--frozen",
        action="store_true",
        help="publish nothing; exit 5 if a build would change anything",
    )
    parser.add_argument(
        "-k",
        "--keep-going",
        action="store_true",
        help="after a failure go on with what does not need it",
    )
    parser.add_argument(
        "--mode",
        choices=("production", "development"),
        default="production",
        help="development: quick compression, budgets warn",
    )
    add_jobs(parser)
    parser.add_argument(
        "--json",
        nargs="?",
        const="report",
        choices=("report", "stream"),
        help="print the result as JSON; stream: events too, a line each",
    )


def execute(options: BuildOptions, terminal: Terminal) -> int:
    """Builds, publishes, reports; with --dry-run, only says what it would do."""
    if options.dry_run:
        project = select(load_project(options, options.mode), tuple(options.models))
        with project_store(project) as store:
            _warn(store, terminal)
            return _dry_run(options, project, store, terminal)
    return make(options, terminal).exit_code


def make(options: BuildOptions, terminal: Terminal) -> Outcome:
    """How the build ended, which it has told."""
    began_s, config = time.time(), config_path(options)
    read = {config: digest_file(config)}  # before it is read: an edit during the build is not lost
    lock = lock_path(config)
    if lock.is_file():
        read[lock] = digest_file(lock)
    package, nearer = release_trail(config)
    if package is not None:
        read[package] = digest_file(package)
    whole = _settled_project(options, terminal)
    if record_hub(whole):
        terminal.say(f"wrote {lock.name}: commit it")
        read[lock] = digest_file(lock)
    project = select(whole, tuple(options.models))
    with project_store(project) as store:
        _warn(store, terminal)
        if options.frozen:
            check_lock(project, store)
        request = Request(
            project,
            whole,
            options.mode,
            options.force,
            options.frozen,
            options.keep_going,
            options.jobs,
            terminal.say,
        )
        outcome = _build(request, options, store, terminal)
    _report(outcome, options, terminal)
    if outcome.exit_code == 0 and options.argv:
        absent = (*outcome.absent, *nearer)
        _remember(replace(outcome, absent=absent), options, {**outcome.read, **read}, began_s)
    return outcome


def _warn(store: Store, terminal: Terminal) -> None:
    for warning in store.warnings:
        terminal.say(f"warning: {warning}")


def _settled_project(options: BuildOptions, terminal: Terminal) -> Project:
    """The project with its sources on the hub at hand."""
    with show_count(terminal, "asking the hub") as progress:
        return load_project(
            options,
            options.mode,
            settled=lambda project: settle(project, progress, may_ask=not options.frozen),
        )


def _build(request: Request, options: BuildOptions, store: Store, terminal: Terminal) -> Outcome:
    steps = len(make_plan(request.project, request.mode).steps)
    workers = ProcessWorkers(options.jobs)
    try:
        with show_progress(terminal, steps, as_stream=options.json == "stream") as listen:
            trials = _trials(request, store, workers, listen)
            outcome = build_project(replace(request, trials=trials), store, workers, listen)
    finally:
        workers.stop()
    limits = request.whole.cache
    collect_when_due(store, limits.max_size_bytes, limits.max_age_s, time.time())
    return outcome


def _trials(request: Request, store: Store, workers: Workers, listen: Listener) -> Trials:
    """What runs variants in a browser. Development does not wait for one."""
    if request.project.tried == "never" or request.mode == "development":
        return no_trials
    return BrowserTrials(Order(request.project, store, workers, listen, request.force))


def _report(outcome: Outcome, options: BuildOptions, terminal: Terminal) -> None:
    match options.json:
        case "report":
            terminal.data(report_json(outcome.report))
        case "stream":
            terminal.data(report_line(outcome.report))
    if outcome.exit_code and options.quiet:
        terminal.complain(failure_text(outcome.report, terminal.palette))
    else:
        terminal.say(build_text(outcome.report, terminal.palette))
    if options.debug:
        for error in outcome.errors:
            terminal.complain(error.details)


def _remember(
    outcome: Outcome, options: BuildOptions, read: Mapping[Path, str], began_s: float
) -> None:
    """Leaves word for the next build with these arguments that nothing need be done while nothing changes."""
    unchanged = msgspec.structs.replace(outcome.report, status="unchanged")
    texts = {
        "said": "" if options.quiet else unchanged_text(unchanged),
        "report": report_json(unchanged).decode() if options.json else "",
        "form": options.json or "",
    }
    record = record_for(options.argv, config_path(options))
    remember(record, outcome.written, outcome.absent, texts, read=read, began_s=began_s)


def _dry_run(options: BuildOptions, project: Project, store: Store, terminal: Terminal) -> int:
    forecasts = [forecast(finding) for finding in survey(make_plan(project, options.mode), store)]
    if options.json:
        terminal.data(dry_run_json(forecasts))
    else:
        terminal.data(dry_run_text(forecasts, terminal.palette))
    return 0
