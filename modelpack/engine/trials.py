"""What a build asks of whoever runs variants in a real browser before they are published, and what it is told.

The browser is driven by a layer above this one, which is passed in: a build knows only this form.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from modelpack.errors import ModelpackError
from modelpack.record import TaskResult
from modelpack.spec.project import Model


class Tried(Struct, frozen=True):
    """What became of variants in a browser. `failed` are models that must not be published, `notes` are by variant.

    `read` are the files that this follows from, and `absent` those that would have changed it: for the fast path.
    """

    errors: tuple[ModelpackError, ...] = ()
    failed: frozenset[str] = frozenset()
    notes: Mapping[str, tuple[str, ...]] = {}
    read: tuple[Path, ...] = ()
    absent: tuple[Path, ...] = ()


class Trials(Protocol):
    """Runs each variant of the models once."""

    def __call__(self, models: tuple[Model, ...], results: Mapping[str, TaskResult], /) -> Tried:
        """What became of them. What goes wrong is in there, and never raised."""
        ...


def no_trials(_models: tuple[Model, ...], _results: Mapping[str, TaskResult], /) -> Tried:
    """Nothing was tried, and nothing is said of it."""
    return Tried()
