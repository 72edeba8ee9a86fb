"""Ids for models that nobody named."""

from __future__ import annotations

from collections.abc import Set as AbstractSet

_MOST_CHARACTERS = 60  # a model id may have 64; four are left for a number


def model_id(text: str) -> str:
    """An id from a name: lower case, digits, `_` and `-`. No `.`: `[models.a.b]` is a table in a table."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "_-") else "-" for c in text.lower())
    return plain[:_MOST_CHARACTERS].strip("_-") or "model"


def free_id(name: str, taken: AbstractSet[str]) -> str:
    """The name, with a number where it is taken."""
    if name not in taken:
        return name
    return next(f"{name}-{n}" for n in range(2, 999) if f"{name}-{n}" not in taken)
