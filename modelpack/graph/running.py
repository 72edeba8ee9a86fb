"""Golden samples through a model: every step of a sample, with state carried from one to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnxruntime as ort

from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import Array, run_session
from modelpack.spec.golden import StatePair


def run_sample(
    session: ort.InferenceSession,
    sample: Sample,
    names: Sequence[str],
    state: Sequence[StatePair] = (),
) -> dict[str, Array]:
    """The named outputs for the sample. Of a sample with steps, each output has an axis more, the first: the steps.

    Inputs that the session does not have are left out: a variant of few outputs may need fewer than the original. The
    same holds for state.

    Raises: onnxruntime's own errors, which the step that asked turns into a sentence.
    """
    inputs = {value.name for value in session.get_inputs()}
    outputs = {value.name for value in session.get_outputs()}
    carried = [pair for pair in state if pair.input in inputs and pair.output in outputs]
    wanted = tuple(dict.fromkeys((*names, *(pair.output for pair in carried))))
    held: dict[str, Array] = {}
    found = []
    for feeds in sample.steps():
        taken = {name: array for name, array in {**feeds, **held}.items() if name in inputs}
        given = run_session(session, taken, wanted)
        held = {pair.input: given[pair.output] for pair in carried}
        found.append({name: given[name] for name in names})
    if not sample.stepped:
        return found[0]
    return {name: np.stack([given[name] for given in found]) for name in names}


def compared(
    given: Sequence[str], outputs: Sequence[str], state: Sequence[StatePair]
) -> tuple[str, ...]:
    """The outputs whose error counts: those asked for (all, where none are) but for carried state."""
    wanted = tuple(outputs) or tuple(given)
    carried = {pair.output for pair in state}
    return tuple(name for name in wanted if name not in carried) or wanted
