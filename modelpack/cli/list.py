"""`modelpack list`."""

from __future__ import annotations

import argparse

from modelpack.cli.options import Options, add_json
from modelpack.cli.project import load_project
from modelpack.cli.terminal import Terminal
from modelpack.report.models import models_json, models_text

EXAMPLES = """\
  modelpack list            every model with its variants and limits
  modelpack list --json     the same for programs"""


class ListOptions(Options):
    """What `list` understands."""

    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `list`."""
    add_json(parser)


def execute(options: ListOptions, terminal: Terminal) -> int:
    """Prints the models that modelpack.toml declares."""
    project = load_project(options)
    terminal.data(models_json(project) if options.json else models_text(project, terminal.palette))
    return 0
