"""Colour, as a function from a style and a text to the text that is printed. Plain text is the default everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

Style = Literal["faint", "good", "warning", "bad"]
Palette = Callable[[Style, str], str]

_CODES: dict[Style, str] = {"faint": "2", "good": "32", "warning": "33", "bad": "31"}


def plain(_style: Style, text: str) -> str:
    """The text as it is: for files, pipes, CI and NO_COLOR."""
    return text


def ansi(style: Style, text: str) -> str:
    """The text in the style's terminal colour."""
    return f"\x1b[{_CODES[style]}m{text}\x1b[0m"
