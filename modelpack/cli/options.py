"""Options that every command has, and the parser they all look alike in."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NoReturn

from modelpack.cores import usable_cores
from modelpack.errors import UsageError


class Parser(argparse.ArgumentParser):
    """argparse with our errors, options that are never guessed from prefixes, and examples kept as written."""

    def __init__(
        self, prog: str, summary: str, examples: str = "", *, has_help: bool = True
    ) -> None:
        super().__init__(
            prog=prog,
            description=summary,
            epilog=f"examples:\n{examples}" if examples else None,
            formatter_class=_Formatter,
            allow_abbrev=False,
            add_help=has_help,
        )

    def error(self, message: str) -> NoReturn:
        """Raises: UsageError MP-E101, in place of printing and exiting."""
        raise UsageError(
            "MP-E101", f"{message}{self._near(message)}", remedy=f"see {self.prog} --help"
        )

    def _near(self, message: str) -> str:
        """The option that was meant, where one that does not exist looks like it."""
        _, _, unknown = message.partition("unrecognized arguments: ")
        import difflib  # noqa: PLC0415 (only for a mistyped option)

        option = unknown.split(" ", 1)[0].split("=", 1)[0]
        near = difflib.get_close_matches(option, self._option_string_actions, n=1)
        return f'; did you mean "{near[0]}"?' if near else ""


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """The same width wherever help is printed, so that what we test is what people see."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=96)

    def _format_action_invocation(self, action: argparse.Action) -> str:
        # As Python 3.13 and later have it; before, the value's name stood behind each form of the option.
        if not action.option_strings or action.nargs == 0:
            return super()._format_action_invocation(action)
        values = self._format_args(action, self._get_default_metavar_for_optional(action))
        return f"{', '.join(action.option_strings)} {values}"


class Options(argparse.Namespace):
    """What the common options say."""

    directory: Path | None
    config: Path | None
    debug: bool
    quiet: bool
    argv: tuple[str, ...]


def add_common(parser: argparse.ArgumentParser) -> None:
    """Adds the common options. They may stand before the command or after it."""
    group = parser.add_argument_group("common options")
    group.add_argument(
        "-C",
        dest="directory",
        metavar="DIR",
        type=Path,
        default=argparse.SUPPRESS,
        help="look for modelpack.toml from DIR upward, not from here",
    )
    group.add_argument(
        "--config",
        metavar="FILE",
        type=Path,
        default=argparse.SUPPRESS,
        help="use this configuration file",
    )
    group.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print errors and asked-for data only",
    )
    group.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print tracebacks and what worker processes say",
    )


def add_models(parser: argparse.ArgumentParser) -> None:
    """Adds the names of models and variants."""
    parser.add_argument(
        "models",
        nargs="*",
        metavar="MODEL[@VARIANT]",
        help="names or globs; all, where none is given",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """Adds --json."""
    parser.add_argument("--json", action="store_true", help="print the result as JSON to stdout")


def positive(text: str) -> int:
    """The number that the text is. Raises: ArgumentTypeError unless it is a whole one from 1."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'found "{text}"; expected a number from 1')
    return int(text)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Adds --jobs."""
    parser.add_argument(
        "-j",
        "--jobs",
        type=positive,
        default=usable_cores(),
        metavar="N",
        help="worker processes (default: one a core)",
    )
