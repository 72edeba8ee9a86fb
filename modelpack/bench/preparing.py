"""Samples as packs in a folder, numbered from 0. Runs in a worker: it reads golden sets, or runs the model to find inputs."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from modelpack.bench.effort import MOST_SAMPLE_BYTES, MOST_SAMPLES
from modelpack.bench.packs import encode_feeds, feeds_of
from modelpack.graph.feeds import working_feeds
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.sessions import open_session
from modelpack.spec.golden import StatePair


class Preparation(Struct, frozen=True):
    """The variant's graph and inputs, the judge samples (None: inputs are generated), and where packs go."""

    graph: Path
    inputs: tuple[str, ...]
    state: tuple[StatePair, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    judge: Path | None
    folder: Path


class Prepared(Struct, frozen=True):
    """How many packs there are, and how many of them, the first ones, are timed."""

    samples: int
    timed: int


def prepare_samples(preparation: Preparation) -> Prepared:
    """Writes the packs. Raises: StepError MP-E403 if the model runs on no generated input, MP-E804 for strings."""
    samples = _samples(preparation)
    timed_bytes = timed = 0
    for index, sample in enumerate(samples):
        pack = encode_feeds(feeds_of(sample, preparation.inputs, preparation.state))
        (preparation.folder / str(index)).write_bytes(pack)
        timed_bytes += len(pack)
        if index == 0 or (index < MOST_SAMPLES and timed_bytes <= MOST_SAMPLE_BYTES):
            timed = index + 1
    return Prepared(len(samples), timed)


def _samples(preparation: Preparation) -> tuple[Sample, ...]:
    if preparation.judge is not None:
        return read_samples(preparation.judge)
    session = open_session(preparation.graph)
    dimensions = dict(preparation.free_dimensions)
    (feeds,) = working_feeds(session, range(1), dimensions)
    return (Sample(0, feeds),)
