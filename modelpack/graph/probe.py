"""Plausible inputs for a model about which nothing but its signature is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from pathlib import Path

import numpy as np
import onnxruntime as ort
from msgspec import Struct

from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.sessions import Array, open_session

Feeds = Mapping[str, Array]

_OPEN_SIZES = (16, 1, 512, 224)  # for dimensions without a size: text, scalar steps, audio, images
_INTEGER_LIMITS = (
    256,
    2,
)  # token ids stay small enough for small vocabularies; 2 for masks and types
_SAMPLE_RATES = {"sr": (16000, 8000), "sample_rate": (16000, 8000), "sampling_rate": (16000, 8000)}


class _Wanted(Struct, frozen=True):
    last: int
    middle: int
    integer_limit: int


def probe_feeds(path: Path) -> tuple[Feeds, ...]:
    """Up to two sets of inputs the model at `path` runs on with finite outputs; none where no guess fits.

    Floats are normal with deviation 1, integers small; dimensions without a size take the first of a few sizes
    that the model accepts, the first dimension 1. The same for the same signature.
    """
    session = open_session(path)
    for size, limit, middle in product(_OPEN_SIZES, _INTEGER_LIMITS, (True, False)):
        wanted = _Wanted(size, size if middle else 1, limit)
        guesses = tuple(_guess(session, wanted, round_) for round_ in range(2))
        if all(_runs(session, feeds) for feeds in guesses):
            return guesses
    return ()


def _guess(session: ort.InferenceSession, wanted: _Wanted, round_: int) -> dict[str, Array]:
    random = np.random.default_rng(round_)
    feeds: dict[str, Array] = {}
    for value in session.get_inputs():
        shape = tuple(_sizes(value.shape, wanted))
        if value.name in _SAMPLE_RATES:
            feeds[value.name] = np.full(shape, _SAMPLE_RATES[value.name][round_], np.int64)
        else:
            feeds[value.name] = _array(random, value.type, shape, wanted.integer_limit)
    return feeds


def _sizes(shape: list[int | str | None], wanted: _Wanted) -> Iterator[int]:
    for index, dimension in enumerate(shape):
        if isinstance(dimension, int):
            yield dimension
        elif index == 0:
            yield 1
        else:
            yield wanted.last if index == len(shape) - 1 else wanted.middle


def _array(random: np.random.Generator, kind: str, shape: tuple[int, ...], limit: int) -> Array:
    match kind.removeprefix("tensor(").removesuffix(")"):
        case "float" | "double" | "float16" as name:
            dtype = {"float": np.float32, "double": np.float64}.get(name, np.float16)
            return random.standard_normal(shape).astype(dtype)
        case "bool":
            return random.integers(0, 2, shape).astype(np.bool_)
        case name:
            return random.integers(0, limit, shape).astype(np.dtype(name))


def _runs(session: ort.InferenceSession, feeds: Feeds) -> bool:
    try:
        outputs = session.run(None, dict(feeds), _silent())
    except ONNXRUNTIME_ERRORS:
        return False
    return all(bool(np.isfinite(array).all()) for array in outputs)


def _silent() -> ort.RunOptions:
    options = ort.RunOptions()
    options.log_severity_level = 4  # a guess that does not fit is no error
    return options
