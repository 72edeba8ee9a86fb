"""Text that is safe to print and knows its width: names come from models and files that nobody vetted."""

from __future__ import annotations

import unicodedata

# Control, format (bidirectional overrides, zero width), surrogate, and line or paragraph separators: everything that
# moves the cursor, reorders what was printed before, or cannot be encoded.
_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ZERO_WIDTH = frozenset({"Mn", "Me"})


def one_line(text: str) -> str:
    """The text with everything that could disturb a terminal written as an escape, on one line."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) for character in text)


def display_width(text: str) -> int:
    """The terminal columns that the text takes: East Asian wide characters take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(_character_width(character) for character in text)


def count(number: int, noun: str) -> str:
    """`1 chunk`, `2 chunks`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _escaped(character: str) -> str:
    if unicodedata.category(character) not in _UNSAFE:
        return character
    return character.encode("unicode_escape", "surrogatepass").decode("ascii")


def _character_width(character: str) -> int:
    if unicodedata.category(character) in _ZERO_WIDTH:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
