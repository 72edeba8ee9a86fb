"""Running samples through a model while values inside it are watched, a bounded number of them at a time."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import onnx_ir as ir

from modelpack.graph.entropy.moments import BLOCK_INPUTS, Moments, Summed
from modelpack.graph.entropy.taps import Tap
from modelpack.graph.golden.samples import Sample
from modelpack.graph.io import read_model, write_model
from modelpack.graph.parallel import in_order
from modelpack.graph.sessions import Array, open_session, run_session
from modelpack.units import MIB

_BATCH_BYTES = 256 * MIB  # of sums held at a time


def watch(source: Path, taps: Sequence[Tap], samples: Sequence[Sample]) -> dict[str, Moments]:
    """The moments at each tap's weight, over all samples; taps that see the same share them."""
    by_form: dict[tuple[object, ...], list[Tap]] = {}
    for tap in taps:
        by_form.setdefault(tap.moments, []).append(tap)
    moments: dict[str, Moments] = {}
    for batch in _batches(list(by_form.values())):
        summed = [Summed(same[0]) for same in batch]
        names = [tap.value for same in batch for tap in same]
        for number, values in enumerate(_values(source, names, samples)):
            random = np.random.default_rng(number)
            for same, sums in zip(batch, summed, strict=True):
                for value in sorted({tap.value for tap in same}):
                    sums.add(values[value], random)
        for same, sums in zip(batch, summed, strict=True):
            found = sums.moments()
            moments.update({tap.weight: found for tap in same})
    return moments


def _batches(forms: Sequence[list[Tap]]) -> Iterator[list[list[Tap]]]:
    batch: list[list[Tap]] = []
    size_bytes = 0
    for same in forms:
        groups = same[0].patches.groups if same[0].patches else 1
        inputs = same[0].size if same[0].kind != "rows" else 1
        needed = 8 * groups * inputs * min(inputs, BLOCK_INPUTS)
        if batch and size_bytes + needed > _BATCH_BYTES:
            yield batch
            batch, size_bytes = [], 0
        batch.append(same)
        size_bytes += needed
    if batch:
        yield batch


def _values(
    source: Path, names: Sequence[str], samples: Sequence[Sample]
) -> Iterator[dict[str, Array]]:
    """What the named values are for each sample."""
    model = read_model(source)
    found = {value.name: value for value in _main_values(model)}
    inputs = {value.name for value in model.graph.inputs}
    present = {value.name for value in model.graph.outputs}
    wanted = sorted(set(names) - inputs - present)
    model.graph.outputs.extend(found[name] for name in wanted)
    with tempfile.TemporaryDirectory() as scratch:
        session = open_session(write_model(model, Path(scratch))[0])
        outputs = sorted(set(names) - inputs)

        def run(sample: Sample) -> dict[str, Array]:
            feeds = {name: array for name, array in sample.feeds.items() if name in inputs}
            return {**feeds, **(run_session(session, feeds, outputs) if outputs else {})}

        yield from in_order(run, samples)


def _main_values(model: ir.Model) -> Iterator[ir.Value]:
    for node in model.graph:
        yield from node.outputs
