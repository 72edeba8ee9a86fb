"""Fields: the forms one value can have. Each reads a TOML value into its typed form and describes itself as schema.

Reader and schema cannot drift apart, because both follow from these. Patterns are in the subset of regular
expressions that Python and ECMAScript (which JSON Schema uses) share, are anchored with ^ and $, and match whole texts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from modelpack.config.place import Fault, Place, show
from modelpack.units import (
    DURATION_PATTERN,
    SIZE_PATTERN,
    parse_duration,
    parse_size,
)

Schema = dict[str, object]
T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_NO_ENVIRONMENT = r"(?!.*\$\{env:)"
_PRINTABLE = r"[^\x00-\x1f\x7f]"
_IN_PATH = r"[^\\\x00-\x1f\x7f]"
_MAX_CHARACTERS = 1024
_MAX_NEAR_CHARACTERS = 64  # nobody mistypes a longer word by a letter, and comparing costs time
_ROOTED = re.compile(r"[/\\~]|[A-Za-z]:")

TEXT_PATTERN = rf"^{_NO_ENVIRONMENT}{_PRINTABLE}+$"
NAME_PATTERN = r"^[a-z0-9]([a-z0-9._-]*[a-z0-9_-])?$"
PATH_PATTERN = rf"^{_NO_ENVIRONMENT}(?![/~]|[A-Za-z]:){_IN_PATH}+$"


class Field(Protocol[T_co]):
    """What a value must be. `read` gives its typed form, `faults` all that is wrong with it, `schema` its JSON Schema."""

    def read(self, value: object, at: Place) -> T_co:
        """The typed form of `value`. Raises: Fault if it has another form."""

    def faults(self, value: object, at: Place) -> Iterator[Fault]:
        """Everything that is wrong with `value`."""

    def schema(self, tables: Schema) -> Schema:
        """The JSON Schema of the values that `read` takes; named tables are put into `tables`."""


class Leaf(Struct, Generic[T_co], frozen=True):
    """A field whose value has no parts."""

    def read(self, value: object, at: Place) -> T_co:
        """The typed form of `value`. Raises: Fault if it has another form."""
        raise NotImplementedError

    def faults(self, value: object, at: Place) -> Iterator[Fault]:
        """The fault of `value`, if it has one."""
        try:
            self.read(value, at)
        except Fault as fault:
            yield fault


class Text(Leaf[str], frozen=True):
    """A text of one line that `pattern` matches as a whole."""

    expected: str
    pattern: str = TEXT_PATTERN
    max_characters: int = _MAX_CHARACTERS

    def read(self, value: object, at: Place) -> str:
        """The text itself."""
        text = read_text(value, at, self.expected)
        if len(text) > self.max_characters:
            raise at.wrong(value, f"at most {self.max_characters} characters")
        if re.fullmatch(self.pattern, text) is None:
            raise at.wrong(value, self.expected)
        return text

    def schema(self, _tables: Schema) -> Schema:
        """A string of that pattern."""
        return {"type": "string", "maxLength": self.max_characters, "pattern": self.pattern}


class Name(Text, frozen=True):
    """A name that may become part of a file name; lower case only, so that none collide where case is ignored."""

    expected: str = "a name of a-z, 0-9, '.', '_' and '-'"
    pattern: str = NAME_PATTERN
    max_characters: int = 64


class Choice(Leaf[T_co], Generic[T_co], frozen=True):
    """One of `choices`. `later` are names that users know from other tools and that this version does not build.

    `refused` are such names that it never will, each with the reason.
    """

    choices: tuple[T_co, ...]
    later: tuple[str, ...] = ()
    refused: tuple[tuple[str, str], ...] = ()

    def read(self, value: object, at: Place) -> T_co:
        """The choice."""
        if not isinstance(value, bool):
            for choice in self.choices:
                if choice == value:
                    return choice
        several = "one of " if len(self.choices) > 1 else ""
        expected = several + ", ".join(show(choice) for choice in self.choices)
        if isinstance(value, str):
            read_text(value, at, expected)
            if value in self.later:
                raise Fault(
                    "MP-E112",
                    at.keys,
                    f"this version does not build {show(value)} yet; expected {expected}",
                )
            for name, reason in self.refused:
                if value == name:
                    message = f"{show(value)} is not built: {reason}; expected {expected}"
                    raise Fault("MP-E112", at.keys, message)
            expected += did_you_mean(value, (str(choice) for choice in self.choices))
        raise at.wrong(value, expected)

    def schema(self, _tables: Schema) -> Schema:
        """An enumeration."""
        return {"enum": list(self.choices)}


class Count(Leaf[int], frozen=True):
    """A whole number from `minimum` to `maximum`."""

    minimum: int
    maximum: int

    def read(self, value: object, at: Place) -> int:
        """The number; 60.0 is one too, because JSON Schema cannot tell it from 60."""
        is_whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        if isinstance(value, bool) or not isinstance(value, int | float) or not is_whole:
            raise at.wrong(value, f"a whole number such as {max(self.minimum, 1)}")
        if not self.minimum <= value <= self.maximum:
            raise at.wrong(value, f"a whole number from {self.minimum} to {self.maximum}")
        return int(value)

    def schema(self, _tables: Schema) -> Schema:
        """An integer within the bounds."""
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


class Positive(Leaf[float], frozen=True):
    """A number above zero, at most `maximum`."""

    example: float
    maximum: float

    def read(self, value: object, at: Place) -> float:
        """The number."""
        expected = f"a number above 0 and at most {self.maximum:g}, such as {self.example:g}"
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise at.wrong(value, expected)
        if not 0 < value <= self.maximum:  # true for nan, too
            raise at.wrong(value, expected)
        return float(value)

    def schema(self, _tables: Schema) -> Schema:
        """A number within the bounds."""
        return {"type": "number", "exclusiveMinimum": 0, "maximum": self.maximum}


class Size(Leaf[int], frozen=True):
    """A size with its unit, from `minimum` to `maximum` bytes. JSON Schema can only say the form."""

    example: str
    minimum: int = 1
    maximum: int = 1 << 50

    def read(self, value: object, at: Place) -> int:
        """The size in bytes."""
        expected = f'a size such as "{self.example}"'
        size_bytes = parse_size(_read_form(value, at, SIZE_PATTERN, expected))
        if not self.minimum <= size_bytes <= self.maximum:
            raise at.wrong(value, f"a size from {_spell(self.minimum)} to {_spell(self.maximum)}")
        return size_bytes

    def schema(self, _tables: Schema) -> Schema:
        """A string of a number and a unit."""
        return {"type": "string", "pattern": SIZE_PATTERN, "examples": [self.example]}


class Duration(Leaf[float], frozen=True):
    """A duration with its unit, above zero."""

    example: str

    def read(self, value: object, at: Place) -> float:
        """The duration in seconds."""
        expected = f'a duration such as "{self.example}"'
        duration_s = parse_duration(_read_form(value, at, DURATION_PATTERN, expected))
        if duration_s <= 0:
            raise at.wrong(value, "a duration above zero")
        return duration_s

    def schema(self, _tables: Schema) -> Schema:
        """A string of a number and a unit."""
        return {"type": "string", "pattern": DURATION_PATTERN, "examples": [self.example]}


class PathField(Leaf[Path], frozen=True):
    """A path seen from the file's folder; it stays inside the workspace and ends in one of `endings`."""

    example: str
    endings: tuple[str, ...] = ()

    def read(self, value: object, at: Place) -> Path:
        """The absolute path."""
        expected = f'a path such as "{self.example}"'
        text = read_text(value, at, expected)
        if not text.endswith(self.endings or ("",)):
            raise at.wrong(value, f"a path that ends in {' or '.join(self.endings)}")
        return locate(text, at, expected)

    def schema(self, _tables: Schema) -> Schema:
        """A string without backslashes that does not start at a root."""
        endings = "|".join(re.escape(ending) for ending in self.endings)
        lookahead = f"(?=.*({endings})$)" if endings else ""
        pattern = PATH_PATTERN.replace("^", "^" + lookahead, 1)
        return {"type": "string", "maxLength": _MAX_CHARACTERS, "pattern": pattern}


def locate(text: str, at: Place, expected: str) -> Path:
    """The absolute path that `text` means. Raises: Fault if it is no relative path or leaves the workspace."""
    if _ROOTED.match(text):
        raise Fault(
            "MP-E114",
            at.keys,
            f"found {show(text)}; expected a path relative to the folder of the file",
        )
    if "\\" in text:
        raise at.wrong(text, "a path with forward slashes")
    if len(text) > _MAX_CHARACTERS or re.fullmatch(PATH_PATTERN, text) is None:
        raise at.wrong(text, expected)
    path = at.folders.locate(text)
    if path is None:
        raise Fault(
            "MP-E114",
            at.keys,
            f"{show(text)} leads out of the workspace; expected a path inside it",
            remedy=f"the workspace is {at.folders.workspace}; move the file there",
        )
    return path


def read_text(value: object, at: Place, expected: str) -> str:
    """`value` as the text it is. Raises: Fault if it is none, or asks for a variable of the environment."""
    if not isinstance(value, str):
        raise at.wrong(value, expected)
    if "${env:" in value:
        raise Fault(
            "MP-E112",
            at.keys,
            f"found {show(value)}; ${{env:…}} is not supported by this version",
            remedy="write the value itself",
        )
    return value


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """`; did you mean "quantize"?` if one of `known` is near, else nothing."""
    if len(word) > _MAX_NEAR_CHARACTERS:
        return ""
    near = difflib.get_close_matches(word.lower(), list(known), n=1, cutoff=0.65)
    return f'; did you mean "{near[0]}"?' if near else ""


def _read_form(value: object, at: Place, pattern: str, expected: str) -> str:
    text = read_text(value, at, expected)
    if re.fullmatch(pattern, text) is None:
        raise at.wrong(value, expected)
    return text


def _spell(size_bytes: int) -> str:
    """The size in the largest binary unit that divides it: bounds are powers of two, and are named exactly."""
    for unit, factor in (("TiB", 1 << 40), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if size_bytes % factor == 0:
            return f"{size_bytes // factor} {unit}"
    return f"{size_bytes} B"
