"""Plausible inputs for a model of which only the signature is known."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import onnxruntime as ort

from modelpack.errors import StepError
from modelpack.graph.sessions import Array, session_inputs
from modelpack.record import ValueFacts

Feeds = dict[str, Array]

_NOTHING_FIXED: Mapping[str, int] = MappingProxyType({})
# Sizes for the middle and last open dimensions, tried in turn: text, one frame of 32 ms, images, scalars.
_OPEN_SIZES = ((16, 16), (1, 512), (1, 256), (224, 224), (64, 64), (1, 1))
_INTEGER_LIMIT = 2  # 0 and 1 are inside every embedding table, mask and set of types
_SAMPLE_RATE_NAMES = frozenset({"sr", "sample_rate", "sampling_rate"})
_SAMPLE_RATES_HZ = (
    16000,
    8000,
)  # models for speech choose their branch by it; other numbers reach only one
_LOG_FATAL_ONLY = 4
_LOADED = re.compile(r"Load model from .*? failed: ?")


def generate_feeds(
    inputs: tuple[ValueFacts, ...],
    seed: int,
    dimensions: Mapping[str, int] = _NOTHING_FIXED,
    open_sizes: tuple[int, int] = _OPEN_SIZES[0],
) -> Feeds:
    """An array for each input: floats normal with deviation 1, integers 0 or 1, the same for the same seed.

    Open dimensions: those named in `dimensions` get that size, the first of an input 1, others `open_sizes`,
    the first number in the middle and the second at the end; `past + new` gets the sum of the two.
    """
    dimensions = {**_sums(inputs, dimensions, open_sizes), **dimensions}
    random = np.random.default_rng(seed)
    feeds: Feeds = {}
    for value in inputs:
        shape = _sizes(value.shape, dimensions, open_sizes)
        if value.name in _SAMPLE_RATE_NAMES:
            rate_hz = _SAMPLE_RATES_HZ[seed % len(_SAMPLE_RATES_HZ)]
            feeds[value.name] = np.full(shape, rate_hz, value.dtype)
        else:
            feeds[value.name] = _array(random, value, shape)
    return feeds


def working_feeds(
    session: ort.InferenceSession, seeds: range, dimensions: Mapping[str, int] = _NOTHING_FIXED
) -> tuple[Feeds, ...]:
    """Inputs the model runs on, one for each seed, with the first sizes of open dimensions that it accepts.

    Raises: StepError MP-E403 with the runtime's reason if it accepts none.
    """
    inputs = session_inputs(session)
    return tuple(_first_accepted(session, inputs, seed, dimensions) for seed in seeds)


def refusal(session: ort.InferenceSession, feeds: Feeds) -> str:
    """Why the model does not run on these inputs; empty where it does."""
    options = ort.RunOptions()
    options.log_severity_level = _LOG_FATAL_ONLY  # a size that does not fit is no error yet
    try:
        session.run(None, feeds, options)
    except Exception as err:  # noqa: BLE001  onnxruntime's errors share no base of their own
        return first_line(err)
    return ""


def first_line(err: Exception) -> str:
    """What onnxruntime's message says, without its prefix, the file it read, and what follows the first line.

    The file lies in a scratch folder, whose name is another one each time; results of steps must repeat.
    """
    lines = str(err).strip().splitlines()
    if not lines:
        return type(err).__name__
    return _LOADED.sub("", lines[0].rpartition("[ONNXRuntimeError] : ")[2])[:300]


def _first_accepted(
    session: ort.InferenceSession,
    inputs: tuple[ValueFacts, ...],
    seed: int,
    dimensions: Mapping[str, int],
) -> Feeds:
    refusals = []
    for open_sizes in _OPEN_SIZES:
        feeds = generate_feeds(inputs, seed, dimensions, open_sizes)
        refusals.append(refusal(session, feeds))
        if not refusals[-1]:
            return feeds
    raise StepError(
        "MP-E403",
        f"the model does not run on generated inputs ({refusals[0]})",
        remedy="fix its symbolic dimensions with `free_dimensions`",
    )


def _sums(
    inputs: tuple[ValueFacts, ...], dimensions: Mapping[str, int], open_sizes: tuple[int, int]
) -> dict[str, int]:
    """The sizes of dimensions whose name is a sum of others' names: exporters write those of caches like that."""
    known: dict[str, int] = {}
    for value in inputs:
        sizes = _sizes(value.shape, dimensions, open_sizes)
        for name, size in zip(value.shape, sizes, strict=True):
            if isinstance(name, str):
                known.setdefault(name, size)
    sums = {name: [known.get(term) for term in name.split(" + ")] for name in known if "+" in name}
    return {name: sum(size for size in sizes if size) for name, sizes in sums.items() if all(sizes)}


def _sizes(
    shape: tuple[int | str | None, ...], dimensions: Mapping[str, int], open_sizes: tuple[int, int]
) -> tuple[int, ...]:
    middle, last = open_sizes
    guesses = (1, *(middle,) * (len(shape) - 2), last)[: len(shape)]
    return tuple(
        size if isinstance(size, int) else dimensions.get(size or "", guess)
        for size, guess in zip(shape, guesses, strict=True)
    )


def _array(random: np.random.Generator, value: ValueFacts, shape: tuple[int, ...]) -> Array:
    match value.dtype:
        case "float32" | "float64" | "float16":
            return random.standard_normal(shape).astype(value.dtype)
        case "string":
            return np.full(shape, "a", dtype=np.object_)
        case _:
            return random.integers(0, _INTEGER_LIMIT, shape).astype(value.dtype)
