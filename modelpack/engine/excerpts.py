"""The beginnings of golden texts, for people who look at a report."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

_MOST_CHARACTERS: Final = 160


class _Pair(Struct, frozen=True):
    """A line that is no plain string: a text, or two that belong together."""

    text: str
    text_pair: str | None = None


def excerpts(samples: Path) -> dict[int, str]:
    """The beginning of each text of a .jsonl file by its position, as the step `golden` counts; empty for other samples."""
    if samples.suffix != ".jsonl":
        return {}
    # Bytes: str.splitlines would also cut at U+2028 and the like, which may stand inside a line of JSON.
    lines = samples.read_bytes().splitlines()
    texts = (_text(line) for line in lines if line.strip())
    return {position: text[:_MOST_CHARACTERS] for position, text in enumerate(texts)}


def _text(line: bytes) -> str:
    try:
        value = msgspec.json.decode(line, type=str | _Pair)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return line.decode(errors="replace")
    if isinstance(value, str):
        return value
    return value.text if value.text_pair is None else f"{value.text} / {value.text_pair}"
