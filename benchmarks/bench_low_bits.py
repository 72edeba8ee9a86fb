"""What one, two and four bits a weight leave of a model: the losses that `q1` and `q2` are refused with.

    PYTHONPATH=. python benchmarks/bench_low_bits.py [digits magika_v3_3 ultraface minilm]

Models and samples are those of `bench_variants`. Weights are rounded in blocks of 32 along their inputs and computed in
floats, so that the figures are those of the grid, whatever operator would hold it. `levels` are spread evenly from a
block's least to its largest number; one bit is the sign times the block's mean magnitude, the best there is of it.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx_ir as ir
from numpy.typing import NDArray

from benchmarks.variant_cases import Case, cases
from modelpack.graph.golden.samples import Sample
from modelpack.graph.golden.split import split_samples
from modelpack.graph.io import read_model, write_model
from modelpack.graph.recipes.weights import Weight, find_weights
from modelpack.graph.sessions import open_session, run_session

Floats = NDArray[np.float32]
BLOCK = 32
CLASSIFIERS = frozenset({"digits", "magika_v3_3"})


def blocks_of(weight: Weight) -> Floats:
    """The weight as rows, one for each channel, cut into blocks: float32 [channels, blocks, BLOCK], filled up with zeros."""
    rows = np.moveaxis(weight.array(), weight.axis, 0).reshape(weight.shape[weight.axis], -1)
    padded = np.zeros((len(rows), -(-rows.shape[1] // BLOCK) * BLOCK), np.float32)
    padded[:, : rows.shape[1]] = rows
    return padded.reshape(len(rows), -1, BLOCK)


def even(bits: int) -> Callable[[Floats], Floats]:
    """Rounds each block to 2 ** bits levels from its least to its largest number."""

    def rounded(blocks: Floats) -> Floats:
        least = blocks.min(axis=2, keepdims=True)
        step = (blocks.max(axis=2, keepdims=True) - least) / (2**bits - 1)
        return least + np.rint((blocks - least) / np.where(step > 0, step, 1)) * step

    return rounded


def signs(blocks: Floats) -> Floats:
    """Each number as its sign times the block's mean magnitude."""
    return np.where(blocks < 0, -1, 1) * np.abs(blocks).mean(axis=2, keepdims=True)


def narrowed(source: Path, folder: Path, rounding: Callable[[Floats], Floats]) -> Path:
    """The model with every weight that recipes narrow on that grid."""
    model = read_model(source)
    for weight in find_weights(model, ()).weights:
        channels_first = np.moveaxis(weight.array(), weight.axis, 0)
        rows = rounding(blocks_of(weight)).reshape(len(channels_first), -1)
        flat = rows[:, : channels_first[0].size].reshape(channels_first.shape)
        array = np.moveaxis(flat, 0, weight.axis).astype(np.float32)
        weight.value.const_value = ir.Tensor(np.ascontiguousarray(array), name=weight.name)
    folder.mkdir()
    return write_model(model, folder)[0]


def outputs(path: Path, case: Case, samples: tuple[Sample, ...]) -> list[Floats]:
    """Everything that the model gives for each sample, in one row."""
    session = open_session(path)
    return [
        np.concatenate(
            [np.ravel(array) for array in run_session(session, sample.feeds, case.outputs).values()]
        )
        for sample in samples
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    everything = ["digits", "magika_v3_3", "ultraface", "minilm"]
    parser.add_argument("models", nargs="*", default=everything)
    grids = {"1 bit": signs, "2 bits": even(2), "4 bits": even(4)}
    print("| model | bits | mean cosine | worst | top-1 |\n|---|---|---|---|---|")
    for name, case in cases(parser.parse_args().models):
        judge = split_samples(case.samples).judge
        expected = outputs(case.source, case, judge)
        for bits, rounding in grids.items():
            with tempfile.TemporaryDirectory() as scratch:
                found = outputs(narrowed(case.source, Path(scratch) / "m", rounding), case, judge)
            cosines = [
                float(a @ b / max(np.linalg.norm(a) * np.linalg.norm(b), 1e-30))
                for a, b in zip(expected, found, strict=True)
            ]
            same = f"{agreement(expected, found):.3f}" if name in CLASSIFIERS else ""
            print(
                f"| {name} | {bits} | {np.mean(cosines):.3f} | {min(cosines):.3f} | {same} |",
                flush=True,
            )


def agreement(expected: list[Floats], found: list[Floats]) -> float:
    """The share of samples whose highest output stays."""
    same = [a.argmax() == b.argmax() for a, b in zip(expected, found, strict=True)]
    return float(np.mean(same))


if __name__ == "__main__":
    main()
