"""`modelpack watch`."""

from __future__ import annotations

import argparse

from modelpack.cli.terminal import Terminal
from modelpack.cli.watching import WatchOptions, add_watch_arguments, watching

EXAMPLES = """\
  modelpack watch                       build, then again whenever a file changes
  modelpack watch minilm                one model; the others stay as they are published
  modelpack watch --mode production     as `modelpack build` would: slower, budgets are errors
  modelpack watch --json=stream         one JSON object a line, for other programs
  modelpack watch --forever             go on when stdin is closed"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `watch`."""
    add_watch_arguments(parser)


def execute(options: WatchOptions, terminal: Terminal) -> int:
    """Watches until it is interrupted, or until stdin is closed."""
    with watching(options, terminal) as (watch, _):
        watch.run()
    return 0
