"""Command lines that documentation shows, tried against the real parsers without running anything."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from importlib import import_module

from modelpack.cli.dispatch import COMMANDS
from modelpack.cli.options import Options, Parser, add_common


def parse(argv: Sequence[str]) -> argparse.Namespace:
    """The options of the command that `argv` names. Raises: UsageError, or AssertionError if there is no such command."""
    rest = list(argv)
    before: list[str] = []
    while rest and rest[0].startswith("-"):
        before.append(rest.pop(0))
        if before[-1] in {"-C", "--config"}:
            before.append(rest.pop(0))
    if not rest:
        assert before in (["--version"], ["--help"], ["-h"]), argv
        return Options()
    command, *words = rest
    assert command in COMMANDS, command
    parser = Parser(f"modelpack {command}", "", has_help=False)
    parser.add_argument("-h", "--help", action="store_true")
    import_module(f"modelpack.cli.{command}").add_arguments(parser)
    add_common(parser)
    return parser.parse_args([*before, *words], Options())
