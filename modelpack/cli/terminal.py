"""Where output goes: data to stdout, everything for people to stderr; colours and motion only where they are wanted."""

from __future__ import annotations

import os
from typing import TextIO

from modelpack.report.palette import Palette, ansi, plain

_DUMB = ("", "dumb")


class Terminal:
    """The two streams of one run, and what they can show."""

    def __init__(self, out: TextIO, err: TextIO, *, quiet: bool = False) -> None:
        self.out = out
        self.err = err
        self.quiet = quiet
        is_terminal = err.isatty() and os.environ.get("TERM", "dumb") not in _DUMB
        self.is_live = is_terminal and not quiet and not os.environ.get("CI")
        self.has_color = _wants_color(is_terminal=is_terminal)

    @property
    def palette(self) -> Palette:
        """How to colour text for this terminal."""
        return ansi if self.has_color else plain

    def data(self, content: str | bytes) -> None:
        """Writes what was asked for to stdout."""
        text = content if isinstance(content, str) else content.decode()
        self.out.write(text if text.endswith("\n") or not text else text + "\n")
        self.out.flush()

    def say(self, text: str) -> None:
        """Writes what a person may want to know to stderr, unless --quiet."""
        if not self.quiet:
            self.complain(text)

    def complain(self, text: str) -> None:
        """Writes an error to stderr."""
        self.err.write(text if text.endswith("\n") else text + "\n")
        self.err.flush()


def _wants_color(*, is_terminal: bool) -> bool:
    # no-color.org and bixense.com/clicolors: NO_COLOR wins, then FORCE_COLOR, then the terminal.
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        return True
    return is_terminal
