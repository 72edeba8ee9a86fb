"""`modelpack diff`."""

from __future__ import annotations

import argparse

from modelpack.cli.options import Options, add_json
from modelpack.cli.project import load_project
from modelpack.cli.terminal import Terminal
from modelpack.engine.packs import read_pack
from modelpack.judge.difference import differences
from modelpack.report.difference import difference_json, difference_text

EXAMPLES = """\
  modelpack diff old/manifest.json public/models/manifest.json   two packs
  modelpack diff main HEAD                                       two commits' baselines
  modelpack diff modelpack.baseline.json public/models --json    the baseline, and what is published"""


class DiffOptions(Options):
    """What `diff` understands."""

    before: str
    after: str
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `diff`."""
    what = "a manifest, a baseline, a folder with a manifest, or a git revision"
    parser.add_argument("before", metavar="A", help=what)
    parser.add_argument("after", metavar="B", help="the same, for the newer side")
    add_json(parser)


def execute(options: DiffOptions, terminal: Terminal) -> int:
    """Prints what changed from A to B, and what a returning user fetches again."""
    baseline = load_project(options).baseline
    before, after = (read_pack(name, baseline) for name in (options.before, options.after))
    found = differences(before, after)
    if options.json:
        terminal.data(difference_json(found))
    else:
        terminal.data(difference_text(found, terminal.palette))
    return 0
