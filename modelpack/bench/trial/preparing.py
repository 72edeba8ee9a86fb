"""What a trial runs on, and what comes out of it natively. Runs in a worker: it needs onnxruntime."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Final

import onnxruntime as ort

from modelpack.bench.packs import Feeds, Tensors, encode_feeds, feeds_of
from modelpack.bench.trial.handover import Preparation, Prepared
from modelpack.graph.feeds import working_feeds
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.graph.sessions import Array, open_session, run_session
from modelpack.spec.golden import StatePair

_MOST_SAMPLES: Final = 2
_MOST_STEPS: Final = 8  # of a sample that state is carried through: the first show whether it is


def prepare_trial(preparation: Preparation) -> Prepared:
    """Writes the inputs and the native outputs of a few samples as packs, numbered from 0.

    Raises: StepError MP-E403 if the model runs on no generated input, MP-E804 if inputs are strings.
    """
    session = open_session(preparation.graph)
    inputs = [value.name for value in session.get_inputs()]
    outputs = {value.name for value in session.get_outputs()}
    carried = tuple(p for p in preparation.state if p.input in inputs and p.output in outputs)
    samples = _samples(preparation, session)
    for index, sample in enumerate(samples):
        whole = feeds_of(sample, inputs, carried)
        feeds = Feeds(whole.state, whole.steps[:_MOST_STEPS])
        (preparation.samples / str(index)).write_bytes(encode_feeds(feeds))
        found = Feeds({}, tuple(_outputs(session, feeds, carried)))
        (preparation.expected / str(index)).write_bytes(encode_feeds(found))
    return Prepared(len(samples), carried)


def _samples(preparation: Preparation, session: ort.InferenceSession) -> tuple[Sample, ...]:
    if preparation.judge is not None:
        return tuple(islice(read_samples(preparation.judge), _MOST_SAMPLES))
    (feeds,) = working_feeds(session, range(1), dict(preparation.free_dimensions))
    return (Sample(0, feeds),)


def _outputs(
    session: ort.InferenceSession, feeds: Feeds, carried: tuple[StatePair, ...]
) -> Iterator[Tensors]:
    """The outputs of each step, but for strings, which are not compared."""
    held: dict[str, Array] = dict(feeds.state)
    for step in feeds.steps:
        found = run_session(session, {**step, **held})
        held = {pair.input: found[pair.output] for pair in carried if pair.input in held}
        yield {name: array for name, array in found.items() if array.dtype.kind in "biuf"}
