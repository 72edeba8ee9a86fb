"""A model whose weights are inputs: to try other weights costs no new session (0.08 ms instead of 186 ms on MiniLM)."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnx_ir as ir

from modelpack.graph.entropy.corrections import add_correction
from modelpack.graph.golden.samples import Sample
from modelpack.graph.io import read_model, write_model
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.recipes.weights import SHAPED_MIN_ELEMENTS, Floats, find_weights
from modelpack.graph.sessions import Array, open_session, run_session


class Promoted:
    """A session that takes the named weights, and a correction for each product and filter, as inputs."""

    def __init__(self, source: Path, names: Sequence[str], outputs: Sequence[str]) -> None:
        model = read_model(source)
        self._weights: dict[str, Array] = {}
        self._corrections: dict[str, tuple[str, Floats]] = {}
        self._promote(model, set(names))
        self._outputs = tuple(outputs)
        self._inputs = {value.name for value in model.graph.inputs} - set(self._weights)
        with tempfile.TemporaryDirectory() as scratch:
            self._session = open_session(write_model(model, Path(scratch))[0])

    def run(
        self, sample: Sample, changed: Mapping[str, Floats], corrections: Mapping[str, Floats]
    ) -> dict[str, Array]:
        """The outputs for one sample with some weights changed, and with what is to be added to their outputs."""
        feeds = {name: array for name, array in sample.feeds.items() if name in self._inputs}
        feeds.update(self._weights)
        feeds.update(changed)
        for weight, correction in corrections.items():
            name, base = self._corrections[weight]
            feeds[name] = base + correction.reshape(base.shape)
        return run_session(self._session, feeds, self._outputs)

    def _promote(self, model: ir.Model, names: set[str]) -> None:
        builder = Builder(model)
        held = []
        for weight in find_weights(model, (), fewest=SHAPED_MIN_ELEMENTS).weights:
            if weight.name not in names:
                continue
            held.append(weight.value)
            correction = add_correction(
                builder, weight, np.zeros(_outputs_of(weight.shape, weight.axis), np.float32)
            )
            if correction is not None:
                held.append(correction)
                array = np.asarray(_constant(correction), np.float32)
                self._corrections[weight.name] = (str(correction.name), array)
        for value in held:
            self._weights[str(value.name)] = _constant(value)
            del model.graph.initializers[str(value.name)]
            value.const_value = None
            model.graph.inputs.append(value)
        builder.drop_unused()
        model.graph.sort()


def _outputs_of(shape: tuple[int, ...], axis: int) -> int:
    return shape[axis]


def _constant(value: ir.Value) -> Array:
    tensor = value.const_value
    if tensor is None:
        raise ValueError(f"{value.name} is no constant")
    return np.array(tensor.numpy())
