"""The hand-over to the worker that records a golden set. Apart from the work itself, so that naming it imports nothing."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from modelpack.planned import GoldenParams
from modelpack.record import ModelFacts


class Recording(Struct, frozen=True):
    """What is recorded: `names` are the files' paths in `folder`; without `params.preprocess`, a page recorded them."""

    params: GoldenParams
    facts: ModelFacts
    folder: Path
    names: tuple[str, ...]
    preprocessor: Path | None
    destination: Path
