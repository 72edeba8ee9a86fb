"""The first golden samples as JSON, for a page that runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.sessions import Array
from modelpack.units import MIB

_MOST_SAMPLES: Final = 12
_MOST_STEPS: Final = 64
_MOST_BYTES: Final = 8 * MIB  # of numbers as text, which a page still parses at once


class ShownTensor(msgspec.Struct, frozen=True):
    """A tensor in onnxruntime-web's words, its numbers in a row."""

    type: str
    dims: tuple[int, ...]
    data: list[float | int | bool]


class ShownSample(msgspec.Struct, frozen=True):
    """A sample: its name, or its place in the user's file, and what each call is fed."""

    name: str
    steps: tuple[dict[str, ShownTensor], ...]


def shown_samples(path: Path) -> bytes:
    """JSON of the first samples in a file of `write_samples`: as many as fit, perhaps none."""
    texts: list[bytes] = []
    left_bytes = _MOST_BYTES
    for sample in read_samples(path)[:_MOST_SAMPLES]:
        text = msgspec.json.encode(_shown(sample))
        left_bytes -= len(text)
        if left_bytes < 0:
            break
        texts.append(text)
    return b"[" + b",".join(texts) + b"]"


def _shown(sample: Sample) -> ShownSample:
    steps = [
        {name: _tensor(array) for name, array in feeds.items()}
        for _, feeds in zip(range(_MOST_STEPS), sample.steps(), strict=False)
    ]
    return ShownSample(sample.name or f"sample {sample.position}", tuple(steps))


def _tensor(array: Array) -> ShownTensor:
    return ShownTensor(array.dtype.name, array.shape, array.ravel().tolist())
