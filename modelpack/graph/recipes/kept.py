"""Weights that a recipe leaves as they are, told in one line for each reason."""

from __future__ import annotations

EXCLUDED = "nodes_to_exclude names a reader"
BEYOND_RANGE = "float16 cannot hold such numbers"
_MOST_NAMED = 3


class Kept:
    """Collects them; `notes` tells them."""

    def __init__(self) -> None:
        self._labels: dict[str, list[str]] = {}

    def add(self, label: str, reason: str) -> None:
        """One more weight, named by `label`, and why it stays."""
        self._labels.setdefault(reason, []).append(label)

    def notes(self) -> tuple[str, ...]:
        """A line for each reason, in the order they came up."""
        return tuple(_note(labels, reason) for reason, labels in self._labels.items())


def _note(labels: list[str], reason: str) -> str:
    if len(labels) == 1:
        return f"{labels[0]} stays float32: {reason}"
    named = ", ".join(labels[:_MOST_NAMED])
    rest = len(labels) - _MOST_NAMED
    more = f" and {rest} more" if rest > 0 else ""
    return f"{len(labels)} weights stay float32: {reason}: {named}{more}"
