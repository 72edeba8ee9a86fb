"""The normalised form of golden samples: the hand-over from the step `golden` to everything that runs samples.

1. Each sample feeds the model once, or once for each of its steps while state is carried: every input by name, with
   exactly the type and rank the model declares. Inputs in `stepped` have an axis more, the first: the steps. The others
   are the same at every step; those that carry state hold what the first step gets.
2. Everything is finite, and dimensions that share a name share a size.
3. `position` is where the sample stands in the user's file or folder, counted from 0, and `name` the file it came from,
   so that reports can point at it.

As a file: an uncompressed .npz of `inputs` (names), `positions`, and `<sample>/<input>` for each array; `names`, `stepped`
and `<sample>/label` where there are any. The same samples give the same bytes; `numpy.savez` would stamp the clock into them.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.graph.golden.arrays import ArrayFile
from modelpack.graph.sessions import Array

_TIMELESS = (1980, 1, 1, 0, 0, 0)


class Sample(Struct, frozen=True):
    """One set of inputs, and its place in the user's files. `label` is the truth: int64, of any shape."""

    position: int
    feeds: Mapping[str, Array]
    name: str = ""
    stepped: frozenset[str] = frozenset()
    label: Array | None = None

    @property
    def digest(self) -> str:
        """Its identity: what it feeds, wherever it stands."""
        parts = [
            f"{name} {array.dtype.name} {array.shape}\n".encode() + array.tobytes()
            for name, array in sorted(self.feeds.items())
        ]
        return digest_bytes(b"".join(parts))

    @property
    def place(self) -> str:
        """How errors and reports name it."""
        return f"sample {self.position} ({self.name})" if self.name else f"sample {self.position}"

    def steps(self) -> Iterator[dict[str, Array]]:
        """What each call of the model is fed, but for the state that later calls carry on."""
        count = next((len(self.feeds[name]) for name in sorted(self.stepped)), 1)
        for step in range(count):
            yield {
                name: array[step, ...] if name in self.stepped else array
                for name, array in self.feeds.items()
            }


def write_samples(path: Path, names: Sequence[str], samples: Sequence[Sample]) -> Path:
    """`path`, with the samples written to it; `names` are the model's inputs in order."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, "inputs", np.array(names, dtype=np.str_))
        _add(archive, "positions", np.array([sample.position for sample in samples], np.int64))
        if any(sample.name for sample in samples):
            _add(archive, "names", np.array([sample.name for sample in samples], np.str_))
        stepped = sorted({name for sample in samples for name in sample.stepped})
        if stepped:
            _add(archive, "stepped", np.array(stepped, np.str_))
        for number, sample in enumerate(samples):
            for index, name in enumerate(names):
                _add(archive, f"{number}/{index}", sample.feeds[name])
            if sample.label is not None:
                _add(archive, f"{number}/label", sample.label)
    return path


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> Path:
    """`path`, with the arrays written to it, an .npz file as users give it."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            _add(archive, name, array)
    return path


def read_samples(path: Path) -> tuple[Sample, ...]:
    """The samples in a file of `write_samples`."""
    with ArrayFile.open(path) as arrays:
        held = frozenset(arrays.names)
        inputs = [str(name) for name in arrays.read("inputs")]
        positions = [int(position) for position in arrays.read("positions")]
        names = arrays.read("names") if "names" in held else np.full(len(positions), "")
        stepped = frozenset(map(str, arrays.read("stepped"))) if "stepped" in held else frozenset()
        return tuple(
            Sample(
                position,
                {name: arrays.read(f"{number}/{index}") for index, name in enumerate(inputs)},
                str(names[number]),
                stepped,
                arrays.read(f"{number}/label") if f"{number}/label" in held else None,
            )
            for number, position in enumerate(positions)
        )


def _add(archive: zipfile.ZipFile, name: str, array: Array) -> None:
    entry = zipfile.ZipInfo(f"{name}.npy", _TIMELESS)
    with archive.open(entry, "w", force_zip64=True) as stream:
        np.lib.format.write_array(
            stream, np.ascontiguousarray(array).reshape(array.shape), allow_pickle=False
        )
