"""Trains a small convolutional network on scikit-learn's handwritten digits, and writes it as ONNX with a golden set.

    python train.py                                              # models/digits.onnx and golden/digits.npz
    python train.py --channels 8 --hidden 24 --model small.onnx  # a smaller one, without a golden set

image [batch, 1, 8, 8] ─ conv 3×3 ─ relu ─ conv 3×3 ─ relu ─ max-pool 2×2 ─ linear ─ relu ─ linear ─ logits [batch, 10]

Forward and backward pass are written out in numpy: no framework to install, and the same seed gives the same bytes on the
same processor (matrix products add up in another order on another one).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from sklearn.datasets import load_digits

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]
Weights = dict[str, Floats]

FOLDER = Path(__file__).parent
SEED = 20
HELD_OUT = 360  # samples that training never sees: accuracy is measured on them, and they are the golden set
EPOCHS = 20
BATCH = 32
LEARNING_RATE = 1e-3
OPSET = 17
IR_VERSION = 8


def main() -> None:
    """Trains, prints the accuracy on the held-out samples, and writes the files."""
    arguments = _arguments()
    images, labels = load_samples()
    train, held_out = split_samples(len(images))
    weights = train_network(images[train], labels[train], arguments.channels, arguments.hidden)
    logits = forward(weights, images[held_out])["logits"]
    agreement = np.mean(logits.argmax(axis=1) == labels[held_out])
    onnx.save(to_onnx(weights), arguments.model)
    print(f"{arguments.model.name}: {agreement:.1%} of {HELD_OUT} held-out samples are right")
    if arguments.golden is not None:
        np.savez_compressed(arguments.golden, image=images[held_out])


def load_samples() -> tuple[Floats, Integers]:
    """Images float32 [1797, 1, 8, 8] from 0 to 1, labels int64 [1797]."""
    digits = load_digits()
    images = (digits.images / 16).astype(np.float32)[:, None]
    return images, digits.target.astype(np.int64)


def split_samples(samples: int) -> tuple[Integers, Integers]:
    """Indices to train with and indices to hold out."""
    order = np.random.default_rng(SEED).permutation(samples)
    return order[HELD_OUT:], order[:HELD_OUT]


def train_network(images: Floats, labels: Integers, channels: int, hidden: int) -> Weights:
    """The weights after EPOCHS passes of Adam over the samples, with a learning rate that falls to zero."""
    random = np.random.default_rng(SEED)
    weights = initial_weights(random, channels, hidden)
    adam = Adam(weights)
    batches = [batch for _ in range(EPOCHS) for batch in _batches(random, len(images))]
    for number, batch in enumerate(batches):
        gradients = backward(weights, forward(weights, images[batch]), labels[batch])
        adam.step(weights, gradients, LEARNING_RATE * (1 - number / len(batches)))
    return weights


def initial_weights(random: np.random.Generator, channels: int, hidden: int) -> Weights:
    """Weights as He et al. 2015 scale them for ReLU, biases zero. Convolutions [out, in, 3, 3], linear [in, out]."""
    shapes = {
        "conv1": (channels, 1, 3, 3),
        "conv2": (2 * channels, channels, 3, 3),
        "fc1": (2 * channels * 4 * 4, hidden),
        "fc2": (hidden, 10),
    }
    weights = {}
    for layer, shape in shapes.items():
        inputs = shape[0] if len(shape) == 2 else shape[1] * 9
        outputs = shape[1] if len(shape) == 2 else shape[0]
        normal = random.standard_normal(shape, dtype=np.float32)
        weights[f"{layer}.weight"] = normal * np.float32(np.sqrt(2 / inputs))
        weights[f"{layer}.bias"] = np.zeros(outputs, np.float32)
    return weights


def forward(weights: Weights, images: Floats) -> dict[str, Floats]:
    """All values on the way to `logits` [batch, 10]; `patches` are what the convolutions multiply with."""
    patches1 = _patches(images)
    relu1 = np.maximum(_convolve(patches1, weights, "conv1"), 0)
    patches2 = _patches(relu1)
    relu2 = np.maximum(_convolve(patches2, weights, "conv2"), 0)
    pooled = _windows(relu2).max(axis=-1)
    flat = pooled.reshape(len(images), -1)
    relu3 = np.maximum(flat @ weights["fc1.weight"] + weights["fc1.bias"], 0)
    logits = relu3 @ weights["fc2.weight"] + weights["fc2.bias"]
    return {
        "patches1": patches1,
        "relu1": relu1,
        "patches2": patches2,
        "relu2": relu2,
        "pooled": pooled,
        "flat": flat,
        "relu3": relu3,
        "logits": logits,
    }


def backward(weights: Weights, values: dict[str, Floats], labels: Integers) -> Weights:
    """The gradient of the mean cross entropy for every weight."""
    logits = values["logits"]
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    d_logits = exponentials / exponentials.sum(axis=1, keepdims=True)
    d_logits[np.arange(len(labels)), labels] -= 1
    d_logits /= len(labels)
    d_relu3 = d_logits @ weights["fc2.weight"].T * (values["relu3"] > 0)
    d_pooled = (d_relu3 @ weights["fc1.weight"].T).reshape(values["pooled"].shape)
    d_relu2 = _unpool(d_pooled, values) * (values["relu2"] > 0)
    d_relu1 = _unconvolve(d_relu2, weights["conv2.weight"]) * (values["relu1"] > 0)
    return {
        "conv1.weight": _kernel_gradient(d_relu1, values["patches1"]),
        "conv1.bias": d_relu1.sum(axis=(0, 2, 3)),
        "conv2.weight": _kernel_gradient(d_relu2, values["patches2"]),
        "conv2.bias": d_relu2.sum(axis=(0, 2, 3)),
        "fc1.weight": values["flat"].T @ d_relu3,
        "fc1.bias": d_relu3.sum(axis=0),
        "fc2.weight": values["relu3"].T @ d_logits,
        "fc2.bias": d_logits.sum(axis=0),
    }


class Adam:
    """Kingma and Ba 2015, with their constants."""

    def __init__(self, weights: Weights) -> None:
        self.steps = 0
        self.means = {name: np.zeros_like(weight) for name, weight in weights.items()}
        self.squares = {name: np.zeros_like(weight) for name, weight in weights.items()}

    def step(self, weights: Weights, gradients: Weights, rate: float) -> None:
        """Moves the weights, in place."""
        self.steps += 1
        scale = np.float32(rate * np.sqrt(1 - 0.999**self.steps) / (1 - 0.9**self.steps))
        for name, gradient in gradients.items():
            self.means[name] += np.float32(0.1) * (gradient - self.means[name])
            self.squares[name] += np.float32(0.001) * (gradient**2 - self.squares[name])
            weights[name] -= (
                scale * self.means[name] / (np.sqrt(self.squares[name]) + np.float32(1e-8))
            )


def to_onnx(weights: Weights) -> onnx.ModelProto:
    """The network as an ONNX model with the input `image` and the output `logits`, for any number of images at once."""
    pads = [1, 1, 1, 1]
    nodes = [
        helper.make_node(
            "Conv", ["image", "conv1.weight", "conv1.bias"], ["c1"], "/conv1", pads=pads
        ),
        helper.make_node("Relu", ["c1"], ["r1"], "/relu1"),
        helper.make_node("Conv", ["r1", "conv2.weight", "conv2.bias"], ["c2"], "/conv2", pads=pads),
        helper.make_node("Relu", ["c2"], ["r2"], "/relu2"),
        helper.make_node("MaxPool", ["r2"], ["p"], "/pool", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"], "/flatten"),
        helper.make_node("Gemm", ["f", "fc1.weight", "fc1.bias"], ["h"], "/fc1"),
        helper.make_node("Relu", ["h"], ["r3"], "/relu3"),
        helper.make_node("Gemm", ["r3", "fc2.weight", "fc2.bias"], ["logits"], "/fc2"),
    ]
    graph = helper.make_graph(
        nodes,
        "digits",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["batch", 1, 8, 8])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", 10])],
        [numpy_helper.from_array(weight, name) for name, weight in weights.items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    onnx.checker.check_model(model, full_check=True)
    return model


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--channels", type=int, default=16, help="of the first convolution")
    parser.add_argument("--hidden", type=int, default=96, help="units between the linear layers")
    parser.add_argument("--model", type=Path, default=None, help="where the model goes")
    arguments = parser.parse_args()
    arguments.golden = FOLDER / "golden" / "digits.npz" if arguments.model is None else None
    arguments.model = arguments.model or FOLDER / "models" / "digits.onnx"
    return arguments


def _batches(random: np.random.Generator, samples: int) -> Iterator[Integers]:
    order = random.permutation(samples)
    for start in range(0, samples, BATCH):
        yield order[start : start + BATCH]


def _patches(values: Floats) -> Floats:
    """[batch, channels, 8, 8] → [batch, 8, 8, channels × 9]: what a 3 × 3 kernel sees, with a border of zeros."""
    padded = np.pad(values, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    patches: Floats = windows.transpose(0, 2, 3, 1, 4, 5).reshape(len(values), 8, 8, -1)
    return patches


def _convolve(patches: Floats, weights: Weights, layer: str) -> Floats:
    kernel = weights[f"{layer}.weight"]
    products: Floats = patches @ kernel.reshape(len(kernel), -1).T + weights[f"{layer}.bias"]
    output: Floats = products.transpose(0, 3, 1, 2)
    return output


def _kernel_gradient(d_output: Floats, patches: Floats) -> Floats:
    channels = d_output.shape[1]
    rows = d_output.transpose(0, 2, 3, 1).reshape(-1, channels)
    gradient: Floats = rows.T @ patches.reshape(len(rows), -1)
    return gradient.reshape(channels, -1, 3, 3)


def _unconvolve(d_output: Floats, kernel: Floats) -> Floats:
    # The gradient of a convolution's input is a convolution with the kernel turned by 180° and its channels swapped.
    turned = kernel[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)
    products: Floats = _patches(d_output) @ turned.reshape(len(turned), -1).T
    output: Floats = products.transpose(0, 3, 1, 2)
    return output


def _windows(values: Floats) -> Floats:
    """[batch, channels, 8, 8] → [batch, channels, 4, 4, 4]: the values under each 2 × 2 window."""
    batch, channels = values.shape[:2]
    windows = values.reshape(batch, channels, 4, 2, 4, 2).transpose(0, 1, 2, 4, 3, 5)
    flat: Floats = windows.reshape(batch, channels, 4, 4, 4)
    return flat


def _unpool(d_pooled: Floats, values: dict[str, Floats]) -> Floats:
    # Only the first of several equal maxima gets the gradient.
    windows = _windows(values["relu2"])
    is_largest = np.arange(4) == windows.argmax(axis=-1)[..., None]
    spread: Floats = (is_largest * d_pooled[..., None]).reshape(*d_pooled.shape, 2, 2)
    gradient: Floats = spread.transpose(0, 1, 2, 4, 3, 5).reshape(values["relu2"].shape)
    return gradient


if __name__ == "__main__":
    main()
