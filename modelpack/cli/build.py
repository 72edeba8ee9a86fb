"""`modelpack build`."""

from __future__ import annotations

import argparse

from modelpack.cli.fast import record_for
from modelpack.cli.options import Options
from modelpack.cli.progress import show_progress
from modelpack.cli.project import load_project
from modelpack.cli.terminal import Terminal
from modelpack.engine.build import Request, build_project
from modelpack.engine.machine import usable_cores
from modelpack.engine.survey import survey_project
from modelpack.engine.workers import ProcessWorkers
from modelpack.judge.budgets import exit_code
from modelpack.plan import make_plan, select
from modelpack.report.build import build_text
from modelpack.report.dry_run import dry_run_text
from modelpack.report.json import report_json
from modelpack.spec import Mode

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
    json: str | None


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `build`."""
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL[@VARIANT]",
        help="names or globs; all, where none is given",
    )
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
    parser.add_argument(
        "-j",
        "--jobs",
        type=_positive,
        default=usable_cores(),
        metavar="N",
        help="worker processes (default: one a core)",
    )
    parser.add_argument(
        "--json",
        nargs="?",
        const="report",
        choices=("report", "stream"),
        help="print the result as JSON; stream: events too, a line each",
    )


def execute(options: BuildOptions, terminal: Terminal) -> int:
    """Builds, publishes, reports."""
    project = select(load_project(options, options.mode), tuple(options.models))
    plan = make_plan(project, options.mode)
    if options.dry_run:
        terminal.data(dry_run_text(survey_project(project, plan)))
        return 0
