"""TensorFlow Lite files of seven small networks through the `convert` step: does it agree with TensorFlow, and where not, why.

With `python -m pip install tflite2onnx` the other converter is tried as well.
"""

from __future__ import annotations

import contextlib
import io
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime as ort
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

from modelpack.errors import StepError
from modelpack.export.tflite import convert
from modelpack.planned import ConvertParams


def mlp() -> keras.Model:
    sizes = [(32, "relu"), (8, "tanh"), (4, "softmax")]
    return keras.Sequential(
        [layers.Input((16,)), *(layers.Dense(n, activation=a) for n, a in sizes)]
    )


def conv() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((28, 28, 1)), layers.Conv2D(8, 3, padding="same", activation="relu"),
            layers.BatchNormalization(), layers.MaxPool2D(), layers.DepthwiseConv2D(3, strides=2),
            layers.Conv2D(16, 1, activation="relu6"), layers.GlobalAveragePooling2D(), layers.Dense(10),
        ]
    )  # fmt: skip


def mobilenet() -> keras.Model:
    return keras.applications.MobileNetV2(
        weights=None, alpha=0.35, input_shape=(96, 96, 3), classes=10
    )


def lstm() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((12, 8), batch_size=1),
            layers.LSTM(16, return_sequences=True),
            layers.Dense(4),
        ]
    )


def gru() -> keras.Model:
    return keras.Sequential([layers.Input((12, 8), batch_size=1), layers.GRU(16), layers.Dense(4)])


def transformer() -> keras.Model:
    tokens = layers.Input((16,), dtype="int32")
    x = layers.Embedding(50, 32)(tokens)
    x = layers.LayerNormalization()(x + layers.MultiHeadAttention(4, 8)(x, x))
    x = layers.LayerNormalization()(x + layers.Dense(32)(layers.Dense(64, activation="gelu")(x)))
    return keras.Model(tokens, layers.Dense(3)(layers.GlobalAveragePooling1D()(x)))


def upsample() -> keras.Model:
    return keras.Sequential(
        [
            layers.Input((16, 16, 3)), layers.Conv2D(8, 3, strides=2, activation="swish"),
            layers.UpSampling2D(2, interpolation="bilinear"),
            layers.Conv2DTranspose(4, 3, strides=2, padding="same"), layers.Activation("sigmoid"),
        ]
    )  # fmt: skip


NETWORKS: tuple[Callable[[], keras.Model], ...] = (
    mlp, conv, mobilenet, lstm, gru, transformer, upsample,
)  # fmt: skip
RECURRENT = {"lstm", "gru"}  # TensorFlow itself fails to write these in 8 bits


def main() -> None:
    keras.utils.set_random_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        for network in NETWORKS:
            model, name = network(), network.__name__
            for form in (
                ("float", "weights8") if name in RECURRENT else ("float", "weights8", "all8")
            ):
                path = Path(folder, f"{name}-{form}.tflite")
                path.write_bytes(written(model, form))
                print(f"{path.stem:22} modelpack: {ours(path):48} tflite2onnx: {theirs(path)}")


def written(model: keras.Model, form: str) -> bytes:
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if form != "float":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "all8":
        shape, is_text = (1, *model.input_shape[1:]), model.inputs[0].dtype == "int32"
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.representative_dataset = lambda: (
            [feed(np.random.default_rng(seed), shape, is_text=is_text)] for seed in range(20)
        )
    with contextlib.redirect_stdout(io.StringIO()):  # Keras prints every variable
        content: bytes = converter.convert()
    return content


def feed(random: np.random.Generator, shape: tuple[int, ...], *, is_text: bool) -> np.ndarray:
    if is_text:
        return random.integers(0, 50, shape).astype(np.int32)
    return random.standard_normal(shape).astype(np.float32)


def ours(path: Path) -> str:
    try:
        model = convert(path, ConvertParams(None, None))
    except StepError as err:
        return err.message
    return f"differs by {difference(path, model.SerializeToString()):.2g}"


def difference(path: Path, model: bytes) -> float:
    """The largest, over three inputs."""
    session = ort.InferenceSession(model, providers=["CPUExecutionProvider"])
    interpreter = tf.lite.Interpreter(str(path))
    interpreter.allocate_tensors()
    (given,), (made, *_) = interpreter.get_input_details(), interpreter.get_output_details()
    largest = 0.0
    for seed in range(3):
        random = np.random.default_rng(seed)
        value = feed(random, tuple(given["shape"]), is_text=given["dtype"] is np.int32)
        interpreter.set_tensor(given["index"], value)
        interpreter.invoke()
        (found,) = session.run(None, {session.get_inputs()[0].name: value})
        largest = max(largest, float(np.abs(found - interpreter.get_tensor(made["index"])).max()))
    return largest


def theirs(path: Path) -> str:
    try:
        import tflite2onnx  # noqa: PLC0415 (not part of any extra)

        tflite2onnx.convert(str(path), str(path.with_suffix(".onnx")))
    except Exception as err:  # noqa: BLE001 (whatever it is, it is the answer)
        return f"{type(err).__name__}: {str(err)[:60]}"
    return "converted"


if __name__ == "__main__":
    main()
