"""What the solve needs to know of a model: the moments at each weight, and what an error in each costs. With its file.

`costs` are of the weight rounded to a grid of step 1, per step squared: the relative squared error of the outputs that
a grid of step s causes is about cost × s².
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from msgspec import Struct

from modelpack.graph.entropy.arrays import write_arrays
from modelpack.graph.entropy.curvature import Curvature
from modelpack.graph.entropy.grids import Seen
from modelpack.graph.entropy.moments import Doubles, Moments
from modelpack.graph.golden.arrays import ArrayFile
from modelpack.graph.sessions import Array


class Statistics(Struct, frozen=True):
    """What was seen, and the cost of each weight by its name."""

    seen: Seen
    costs: Mapping[str, float]


def write_statistics(path: Path, statistics: Statistics) -> Path:
    """`path`, with the statistics in it: an .npz that is the same for the same content.

    Matrices lie there in single precision, which is all that feedback needs, and by their upper halves.
    """
    names = sorted(statistics.costs)
    arrays: dict[str, Array] = {
        "names": np.array(names, np.str_),
        "costs": np.array([statistics.costs[name] for name in names]),
    }
    for number, name in enumerate(names):
        moments, curvature = (
            statistics.seen.moments.get(name),
            statistics.seen.curvature.get(name),
        )
        if moments is not None:
            arrays[f"{number}/mean"] = moments.mean
            arrays[f"{number}/counts"] = moments.counts
            arrays[f"{number}/largest"] = moments.largest
            if curvature is None:
                for index, block in enumerate(moments.blocks):
                    arrays[f"{number}/block{index}"] = _half(block)
        if curvature is not None:
            arrays[f"{number}/inputs"] = _half(curvature.inputs[None])
            arrays[f"{number}/outputs"] = _half(curvature.outputs[None])
            arrays[f"{number}/activations"] = np.array([curvature.activations, curvature.evened])
    return write_arrays(path, arrays)


def read_statistics(path: Path) -> Statistics:
    """The statistics in a file of `write_statistics`."""
    moments: dict[str, Moments] = {}
    curvature: dict[str, Curvature] = {}
    with ArrayFile.open(path) as file:
        present = set(file.names)
        names = [str(name) for name in file.read("names")]
        costs = [float(cost) for cost in file.read("costs")]
        for number, name in enumerate(names):
            if f"{number}/mean" in present:
                moments[name] = _moments(file, number, present)
            if f"{number}/inputs" in present:
                curvature[name] = Curvature(
                    _whole(file.read(f"{number}/inputs"))[0],
                    _whole(file.read(f"{number}/outputs"))[0],
                    *(float(cost) for cost in file.read(f"{number}/activations")),
                )
    return Statistics(Seen(moments, curvature), dict(zip(names, costs, strict=True)))


def _moments(file: ArrayFile, number: int, present: set[str]) -> Moments:
    blocks: list[Doubles] = []
    while f"{number}/block{len(blocks)}" in present:
        blocks.append(_whole(file.read(f"{number}/block{len(blocks)}")))
    return Moments(
        np.asarray(file.read(f"{number}/mean"), np.float64),
        tuple(blocks),
        np.asarray(file.read(f"{number}/counts"), np.int64),
        np.asarray(file.read(f"{number}/largest"), np.float32),
    )


def _half(matrices: Doubles) -> Array:
    """The upper halves of symmetric matrices [stack, n, n], as float32 [stack, n (n + 1) / 2]."""
    rows, columns = np.triu_indices(matrices.shape[-1])
    return matrices[:, rows, columns].astype(np.float32)


def _whole(halves: Array) -> Doubles:
    size = int(((8 * halves.shape[1] + 1) ** 0.5 - 1) / 2)
    whole = np.zeros((len(halves), size, size))
    rows, columns = np.triu_indices(size)
    whole[:, rows, columns] = halves
    whole[:, columns, rows] = halves
    return whole
