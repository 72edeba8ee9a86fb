"""Models with inputs that move together, samples of them, and what the entropy recipe sees of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
from numpy.typing import NDArray
from onnx import helper

from modelpack.graph.golden.samples import Sample, write_samples
from modelpack.graph.recipes.weights import SHAPED_MIN_ELEMENTS, Weight, find_weights
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import floats

Floats = NDArray[np.float32]


def correlated(seed: int, count: int, size: int) -> Floats:
    """Inputs of which a quarter would say nearly everything, with a mean: float32 [count, size]."""
    mixing = floats(99, size // 4, size)
    noise = np.float32(0.1) * floats(seed + 1, count, size)
    return np.asarray(floats(seed, count, size // 4) @ mixing + noise + 1, np.float32)


def wide_mlp() -> onnx.ModelProto:
    """`x` float32 [batch, 32] → `logits` [batch, 64]; two products of 2048 and 4096 weights, the first with a bias."""
    nodes = [
        helper.make_node("MatMul", ["x", "fc1.weight"], ["h"], "/fc1/MatMul"),
        helper.make_node("Add", ["fc1.bias", "h"], ["hb"], "/fc1/Add"),
        helper.make_node("Relu", ["hb"], ["hr"], "/relu"),
        helper.make_node("MatMul", ["hr", "fc2.weight"], ["logits"], "/fc2/MatMul"),
    ]
    weights = [
        tensor("fc1.weight", weights_like(0, 32, 64)),
        tensor("fc1.bias", weights_like(1, 64)),
        tensor("fc2.weight", weights_like(2, 64, 64)),
    ]
    return onnx_models.model(
        nodes, [value("x", ["batch", 32])], [value("logits", ["batch", 64])], weights
    )


def mlp_samples(count: int, seed: int = 0) -> tuple[Sample, ...]:
    """Samples for `wide_mlp`."""
    rows = correlated(seed, count, 32)
    return tuple(Sample(number, {"x": rows[number : number + 1]}) for number in range(count))


def sample_file(path: Path, samples: tuple[Sample, ...]) -> Path:
    """The samples as the step `golden` writes them."""
    return write_samples(path, tuple(samples[0].feeds), samples)


def weight_of(proto: onnx.ModelProto, name: str) -> Weight:
    """The weight of that name, as recipes see it."""
    found = find_weights(ir.from_proto(proto), (), fewest=SHAPED_MIN_ELEMENTS).weights
    return next(weight for weight in found if weight.name == name)
