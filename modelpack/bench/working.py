"""What workers give back, with its type."""

from __future__ import annotations

from typing import TypeVar

T = TypeVar("T")


def worked(result: object, kind: type[T]) -> T:
    """The result, which is of that type. Raises: TypeError if it is not, which is a bug."""
    if not isinstance(result, kind):
        raise TypeError(f"found {type(result).__name__}; expected {kind.__name__}")
    return result
