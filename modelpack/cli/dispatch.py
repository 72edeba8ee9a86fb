"""From arguments to a command. A command's module is imported only when it is the one that was asked for."""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Sequence
from typing import Protocol, TextIO

from modelpack import __version__
from modelpack.cli.options import Options, Parser, add_common
from modelpack.cli.terminal import Terminal
from modelpack.errors import UsageError

COMMANDS = {
    "init": "write a modelpack.toml for the ONNX files found here",
    "add": "write a model into modelpack.toml and build it",
    "build": "build the models and publish chunks and manifest.json",
    "watch": "build again whenever a file changes",
    "dev": "watch, and serve the models with a page to try them",
    "estimate": "foretell what variants will weigh and lose, in seconds",
    "check": "judge what is published: budgets, accuracy, baseline",
    "bench": "measure speed and memory, natively and in a browser",
    "report": "the same as a pull-request comment, JSON, JUnit or annotations",
    "diff": "say what changed between two packs or two commits",
    "baseline": "make what is published the baseline of later builds",
    "golden": "show the worst samples of a variant, or record a golden set",
    "lock": "record in modelpack.lock which bytes the sources are",
    "list": "list the models, their variants and budgets",
    "graph": "show the steps of a build and what they need",
    "why": "say why a step ran, or would run",
    "verify": "check everything that is published, and that it runs",
    "clean": "delete the published files",
    "cache": "show, shrink or check the cache",
    "doctor": "check that this machine has what modelpack needs",
}
_EXAMPLES = """\
  modelpack init                      look around and write modelpack.toml
  modelpack build                     build what changed
  modelpack build minilm@q8 --json    one variant, result as JSON
  modelpack why quantize:minilm@q8    what made it run
"""


class Command(Protocol):
    """What a command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declares the command's own arguments."""

    def execute(self, options: argparse.Namespace, terminal: Terminal) -> int:
        """Does the work and returns the exit code."""
        ...


def dispatch(argv: Sequence[str], out: TextIO, err: TextIO) -> int:
    """Runs the command that `argv` names. Raises: ModelpackError."""
    options = Options(directory=None, config=None, debug=False, quiet=False, argv=tuple(argv))
    top = _top_parser()
    top.parse_args(argv, options)
    if options.version:
        out.write(f"modelpack {__version__}\n")
        return 0
    if options.help:
        top.print_help(out)
        return 0
    if not options.command:
        top.print_help(err)
        return 2
    if options.command not in COMMANDS:
        raise _unknown(options.command)
    module: Command = importlib.import_module(f"modelpack.cli.{options.command}")
    parser = Parser(
        f"modelpack {options.command}",
        COMMANDS[options.command] + ".",
        getattr(module, "EXAMPLES", ""),
        has_help=False,
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this help")
    module.add_arguments(parser)
    add_common(parser)
    rest = options.rest
    if "-h" in rest or "--help" in rest:
        parser.print_help(out)
        return 0
    parser.parse_args(rest, options)
    if options.debug:
        os.environ["MODELPACK_DEBUG"] = "1"  # worker processes inherit it
    return module.execute(options, Terminal(out, err, quiet=options.quiet))


def _top_parser() -> Parser:
    lines = "\n".join(f"  {name:<10}{summary}" for name, summary in COMMANDS.items())
    parser = Parser(
        "modelpack",
        f"The bundler for AI models in the browser.\n\ncommands:\n{lines}",
        _EXAMPLES,
        has_help=False,
    )
    parser.add_argument("-h", "--help", action="store_true", help="show this help")
    parser.add_argument("--version", action="store_true", help="show the version")
    add_common(parser)
    parser.add_argument("command", nargs="?", metavar="COMMAND", help=argparse.SUPPRESS)
    parser.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help=argparse.SUPPRESS)
    return parser


def _unknown(name: str) -> UsageError:
    import difflib  # noqa: PLC0415 (only for a mistyped command)

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return UsageError("MP-E101", f'unknown command "{name}"{hint}', remedy="see modelpack --help")
