"""Samples of several steps as samples of one: each step with the state that the model had when it took it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import Array, open_session, run_session
from modelpack.spec.golden import StatePair

_MOST_STEPS = 2000  # of all samples; what reaches the weights repeats itself


def unrolled(
    source: Path, samples: Sequence[Sample], state: Sequence[StatePair]
) -> tuple[Sample, ...]:
    """The samples, those of several steps cut into them; every so many, where there are more than _MOST_STEPS."""
    if not any(sample.stepped for sample in samples):
        return tuple(samples)
    session = open_session(source)
    inputs = {value.name for value in session.get_inputs()}
    given = {value.name for value in session.get_outputs()}
    carried = [pair for pair in state if pair.input in inputs and pair.output in given]
    found: list[Sample] = []
    for sample in samples:
        held: dict[str, Array] = {}
        for feeds in sample.steps():
            taken = {name: array for name, array in {**feeds, **held}.items() if name in inputs}
            found.append(Sample(sample.position, taken, sample.name))
            if carried:
                after = run_session(session, taken, [pair.output for pair in carried])
                held = {pair.input: after[pair.output] for pair in carried}
    return tuple(found[:: -(-len(found) // _MOST_STEPS)])
