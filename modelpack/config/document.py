"""The bytes of a configuration file → TOML tables, whatever the bytes are, in bounded time and memory."""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path

from msgspec import Struct

from modelpack.errors import UsageError

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_FILE_BYTES = 1 << 20
MAX_DEPTH = 32

_BYTE_ORDER_MARKS = {
    b"\xff\xfe": "UTF-16",
    b"\xfe\xff": "UTF-16",
}
_UTF8_MARK = "\ufeff"
# A dotted key costs the TOML parser time in the square of its parts, so deep ones are refused before it runs.
_KEY_PART = r"""(?:[A-Za-z0-9_-]+|"[^"\n]*"|'[^'\n]*')"""
_DEEP_KEY = re.compile(
    rf"(?:^|[{{,\[])[ \t]*{_KEY_PART}(?:[ \t]*\.[ \t]*{_KEY_PART}){{{MAX_DEPTH}}}", re.MULTILINE
)
_POSITION = re.compile(r"^(.*) \(at (?:line (\d+), column (\d+)|end of document)\)$", re.DOTALL)
_REMEDIES = {
    "Cannot overwrite a value": "a key is written twice; keep one of them",
    "Cannot declare": "a table is written twice; merge the two",
    "Invalid value": 'write text in quotes, = "text", and true and false in lower case',
    "Unescaped '\\'": "write paths with / in place of \\",
    "Invalid hex value": "write paths with / in place of \\",
    "Invalid initial character": "keep a table in braces on one line",
}


class Document(Struct, frozen=True):
    """A parsed file: its text, for line numbers, and its tables."""

    name: str
    text: str
    tables: dict[str, object]


def read_document(path: Path) -> Document:
    """The tables of the TOML file at `path`.

    Raises: UsageError if the file cannot be read, is not UTF-8 text, is larger than 1 MiB, nests deeper than 32
    levels, or is not TOML.
    """
    text = _decode(_read_bytes(path), path.name)
    deep_key = _DEEP_KEY.search(text)
    if deep_key is not None:
        raise _too_deep(f"{path.name}:{text.count(chr(10), 0, deep_key.end()) + 1}")
    tables = _parse(text, path.name)
    if _depth(tables) > MAX_DEPTH:
        raise _too_deep(path.name)
    return Document(path.name, text, tables)


def _read_bytes(path: Path) -> bytes:
    try:
        # Opening a pipe would wait for its other end.
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError(
                "MP-E103", "found something that is not a regular file", where=path.name
            )
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as err:
        reason = err.strerror or "it cannot be read"
        raise UsageError("MP-E103", f"the file cannot be read: {reason}", where=path.name) from err
    if len(content) > MAX_FILE_BYTES:
        raise UsageError("MP-E103", "the file is larger than 1 MiB", where=path.name)
    return content


def _decode(content: bytes, name: str) -> str:
    encoding = _BYTE_ORDER_MARKS.get(content[:2])
    if encoding is not None:
        raise _not_utf8(name, f"found {encoding}; expected UTF-8")
    nul = content.find(b"\0")
    if nul >= 0:
        line = content.count(b"\n", 0, nul) + 1
        raise _not_utf8(f"{name}:{line}", "found a NUL byte; expected text in UTF-8")
    try:
        return content.decode().removeprefix(_UTF8_MARK)
    except UnicodeDecodeError as err:
        line = content.count(b"\n", 0, err.start) + 1
        found = f"found the byte 0x{content[err.start]:02x}; expected text in UTF-8"
        raise _not_utf8(f"{name}:{line}", found) from err


def _not_utf8(where: str, found: str) -> UsageError:
    return UsageError("MP-E103", found, where=where, remedy="save the file as UTF-8")


def _parse(text: str, name: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except RecursionError as err:
        raise _too_deep(name) from err
    except ValueError as err:  # TOMLDecodeError is one; so is a number of thousands of digits
        raise _not_toml(str(err), text, name) from err


def _not_toml(reason: str, text: str, name: str) -> UsageError:
    match = _POSITION.match(reason)
    if match is None:
        return UsageError("MP-E110", "a number is too long", where=name)
    position = f"{match[2]}:{match[3]}" if match[2] else text.count("\n") + 1
    remedy = next((fix for start, fix in _REMEDIES.items() if reason.startswith(start)), "")
    return UsageError(
        "MP-E110", f"not valid TOML: {match[1]}", where=f"{name}:{position}", remedy=remedy
    )


def _depth(tables: dict[str, object]) -> int:
    """The levels of nesting, counted up to one more than is allowed."""
    depth, level = 0, list(tables.values())
    while level and depth <= MAX_DEPTH:
        depth += 1
        level = [
            item
            for value in level
            if isinstance(value, dict | list)
            for item in (value.values() if isinstance(value, dict) else value)
        ]
    return depth


def _too_deep(where: str) -> UsageError:
    return UsageError(
        "MP-E110", f"nested deeper than {MAX_DEPTH} levels", where=where, remedy="flatten it"
    )
