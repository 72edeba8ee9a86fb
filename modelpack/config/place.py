"""Places in a configuration: the key path of a value, how it is spelt, and what is wrong there."""

from __future__ import annotations

import datetime as dt
import re

from msgspec import Struct

from modelpack.config.paths import Folders

Keys = tuple[str | int, ...]

_SHOWN_CHARACTERS = 80  # more than an id may have: their key paths are always whole
_SHOWN_BITS = 128
_BARE_KEY = re.compile(rf"[A-Za-z0-9_-]{{1,{_SHOWN_CHARACTERS}}}")


class Fault(Exception):  # noqa: N818  raised and collected here only; what users get is a UsageError
    """One thing that is wrong with a configuration; `at` is the key with the line, `keys` the path to name."""

    def __init__(self, code: str, at: Keys, message: str, *, remedy: str = "") -> None:
        super().__init__(code, at, message, remedy)
        self.code = code
        self.at = at
        self.message = message
        self.remedy = remedy


class Place(Struct, frozen=True):
    """The key path of a value, and the folders that paths in it are seen from."""

    keys: Keys
    folders: Folders

    def child(self, key: str | int) -> Place:
        """The place of `key` in the table or array here."""
        return Place((*self.keys, key), self.folders)

    def wrong(self, value: object, expected: str, *, remedy: str = "") -> Fault:
        """The fault of a value that does not have the form that was expected here."""
        return Fault(
            "MP-E112", self.keys, f"found {show(value)}; expected {expected}", remedy=remedy
        )


def spell(keys: Keys) -> str:
    """The key path as TOML writes it: `models."t5.encoder".outputs[1]`."""
    parts: list[str] = []
    for key in keys:
        if isinstance(key, int):
            parts.append(f"[{key}]")
        else:
            parts.append("." + (key if _BARE_KEY.fullmatch(key) else show(key)))
    return "".join(parts).removeprefix(".")


def show(value: object) -> str:
    """The value as TOML writes it, on one line of bounded length."""
    if isinstance(value, str):
        return f'"{"".join(_escape(character) for character in _shorten(value))}"'
    if isinstance(value, dict | list):
        article, kind = ("a", "table") if isinstance(value, dict) else ("an", "array")
        return f"{article} {kind}" if value else f"an empty {kind}"
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, int) and value.bit_length() > _SHOWN_BITS:
        return "a huge number"  # Python refuses to spell out the largest
    return str(value).lower()  # true, false, nan and inf among them


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def _escape(character: str) -> str:
    """The character as TOML escapes it; terminals obey control characters, so none may get through."""
    if character in '"\\':
        return "\\" + character
    return character if character.isprintable() else f"\\u{ord(character):04x}"
