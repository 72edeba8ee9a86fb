"""The cache of past keys and values of an exported decoder, as state that a page carries from call to call."""

from __future__ import annotations

from collections.abc import Iterable

from modelpack.spec.golden import StatePair

_PAST, _PRESENT = "past_key_values.", "present."
# Keys and values of the encoder's output: the first call gives them, later ones give none worth keeping.
_CONSTANT = ".encoder."


def state_pairs(inputs: Iterable[str], outputs: Iterable[str]) -> tuple[StatePair, ...]:
    """Each input that continues an output, in the order of the inputs."""
    made = set(outputs)
    pairs = (
        StatePair(name, _PRESENT + name.removeprefix(_PAST))
        for name in inputs
        if name.startswith(_PAST) and _CONSTANT not in name
    )
    return tuple(pair for pair in pairs if pair.output in made)
