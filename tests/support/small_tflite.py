"""Small TensorFlow Lite models with random weights. Runs in workers only: it imports TensorFlow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers


def _picture() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((12, 12, 3), name="picture"),
            layers.Conv2D(8, 3, strides=2, padding="same", activation="relu6"),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.Conv2D(16, 1, activation="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="tanh"),
            layers.Dense(4, activation="softmax"),
        ]
    )


def _sequence() -> keras.Model:
    return keras.Sequential(
        [layers.Input((7, 5), batch_size=1, name="frames"), layers.LSTM(6), layers.Dense(2)]
    )


def _untranslated() -> keras.Model:
    return keras.Sequential([layers.Input((8,), name="x"), layers.Dense(8, activation="gelu")])


def _one_row() -> keras.Model:
    """A table of one row: the interpreter refuses to look up another one."""
    return keras.Sequential(
        [layers.Input((3,), batch_size=4, dtype="int32", name="ids"), layers.Embedding(1, 8)]
    )


KINDS: dict[str, Callable[[], keras.Model]] = {
    "picture": _picture,
    "picture8": _picture,
    "sequence": _sequence,
    "untranslated": _untranslated,
    "one_row": _one_row,
}


def make(order: tuple[str, Path]) -> Path:
    """The file of that kind in the folder; those ending in 8 compute in 8-bit integers."""
    kind, folder = order
    keras.utils.set_random_seed(0)
    model = KINDS[kind]()
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if kind.endswith("8"):
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
        converter.representative_dataset = lambda: (
            [np.random.default_rng(seed).random((1, *model.input_shape[1:]), np.float32)]
            for seed in range(8)
        )
    path = folder / f"{kind}.tflite"
    path.write_bytes(converter.convert())
    return path


def outputs(order: tuple[Path, np.ndarray]) -> np.ndarray:
    """What TensorFlow's interpreter gives for that input."""
    path, value = order
    interpreter = tf.lite.Interpreter(str(path))
    place = interpreter.get_input_details()[0]["index"]
    interpreter.resize_tensor_input(place, value.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(place, value)
    interpreter.invoke()
    found: np.ndarray = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return found
