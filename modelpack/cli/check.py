"""`modelpack check`."""

from __future__ import annotations

import argparse

from modelpack.cli.options import Options, add_json, add_models
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.engine.checking import check_project
from modelpack.judge.budgets import exit_code
from modelpack.report.check import check_text
from modelpack.report.json import json_document
from modelpack.selection import select

EXAMPLES = """\
  modelpack check             judge every limit on what is published
  modelpack check 'minilm@*'  one model's variants
  modelpack check --json      the figures and verdicts for programs"""


class CheckOptions(Options):
    """What `check` understands."""

    models: list[str]
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `check`."""
    add_models(parser)
    add_json(parser)


def execute(options: CheckOptions, terminal: Terminal) -> int:
    """Judges the manifest, the baseline and the stats. Exits 3 for budgets, 4 for accuracy."""
    whole = load_project(options)
    project = select(whole, tuple(options.models))
    with project_store(project) as store:
        report = check_project(project, whole, store)
    if options.json:
        terminal.data(json_document(report))
    else:
        terminal.data(check_text(report, terminal.palette))
    return exit_code(report.verdicts, ())
