"""The normalised form of golden samples: the hand-over from the step `golden` to everything that runs samples.

1. Each sample feeds the model once: every input by name, with exactly the type and rank the model declares.
2. Everything is finite, and dimensions that share a name share a size.
3. `position` is where the sample stands in the user's file, counted from 0, so that reports can point at it.

As a file: an uncompressed .npz of `inputs` (names), `positions`, and `<sample>/<input>` for each array. The same samples
give the same bytes; `numpy.savez` would stamp the clock into them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.graph.golden.arrays import ArrayFile
from modelpack.graph.sessions import Array

_TIMELESS = (1980, 1, 1, 0, 0, 0)


class Sample(Struct, frozen=True):
    """One set of inputs, and its place in the user's file."""

    position: int
    feeds: Mapping[str, Array]

    @property
    def digest(self) -> str:
        """Its identity: what it feeds, wherever it stands."""
        parts = [
            f"{name} {array.dtype.name} {array.shape}\n".encode() + array.tobytes()
            for name, array in sorted(self.feeds.items())
        ]
        return digest_bytes(b"".join(parts))


def write_samples(path: Path, names: Sequence[str], samples: Sequence[Sample]) -> Path:
    """`path`, with the samples written to it; `names` are the model's inputs in order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "inputs", np.array(names, dtype=np.str_))
        _add(archive, "positions", np.array([sample.position for sample in samples], np.int64))
        for number, sample in enumerate(samples):
            for index, name in enumerate(names):
                _add(archive, f"{number}/{index}", sample.feeds[name])
    return path


def read_samples(path: Path) -> tuple[Sample, ...]:
    """The samples in a file of `write_samples`."""
    with ArrayFile.open(path) as arrays:
        names = [str(name) for name in arrays.read("inputs")]
        positions = [int(position) for position in arrays.read("positions")]
        return tuple(
            Sample(
                position,
                {name: arrays.read(f"{number}/{index}") for index, name in enumerate(names)},
            )
            for number, position in enumerate(positions)
        )


def _add(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    entry = zipfile.ZipInfo(f"{name}.npy", _TIMELESS)
    with archive.open(entry, "w", force_zip64=True) as stream:
        np.lib.format.write_array(
            stream, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False
        )
