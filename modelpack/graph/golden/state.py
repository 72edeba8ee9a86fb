"""State in samples: what the first step gets, where the user says nothing about it."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import numpy as np

from modelpack.graph.golden.samples import Sample
from modelpack.record import ValueFacts
from modelpack.spec.golden import StatePair


def fed_inputs(inputs: Sequence[ValueFacts], state: Sequence[StatePair]) -> tuple[ValueFacts, ...]:
    """The inputs that samples must have: all but those that carry state."""
    carried = {pair.input for pair in state}
    return tuple(value for value in inputs if value.name not in carried)


def with_initial_state(inputs: Sequence[ValueFacts], sample: Sample) -> Sample:
    """The sample with zeros for every input it lacks; open dimensions get size 1."""
    zeros = {
        value.name: np.zeros(
            [size if isinstance(size, int) else 1 for size in value.shape], value.dtype
        )
        for value in inputs
        if value.name not in sample.feeds
    }
    return msgspec.structs.replace(sample, feeds={**sample.feeds, **zeros}) if zeros else sample
