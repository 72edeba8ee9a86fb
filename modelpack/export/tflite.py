"""A TensorFlow Lite model as ONNX: tf2onnx translates it, TensorFlow's own interpreter says what is right.

tf2onnx leaves operators that it cannot translate in the graph, and does not compare. Here the first is an error, and what
comes out is run beside the interpreter on random inputs, at the sizes of the file and, where its first axis is open, at others.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
import tensorflow as tf
from msgspec import Struct
from tf2onnx import convert as converter

from modelpack.errors import StepError
from modelpack.export.canonical import make_canonical
from modelpack.export.renaming import open_dimensions, rename
from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.sessions import Array
from modelpack.graph.walk import is_standard, nodes
from modelpack.planned import ConvertParams

DEFAULT_ATOL = 1e-4
_MARK = b"TFL3"
# Runtimes round ties of integers differently: each moves a result by one of 256 steps, and layers add up.
_QUANTIZED_STEPS = 4 / 256
_BATCHES = (1, 3)
_SHOWN = 5
_DOES_NOT_RUN: tuple[type[Exception], ...] = (*ONNXRUNTIME_ERRORS, ValueError)


class Tensor(Struct, frozen=True):
    """An input or output as the interpreter knows it: `name` in the graph, `shown` to callers, -1 for open axes."""

    name: str
    shown: str
    shape: tuple[int, ...]
    dtype: type[np.generic]
    place: int


def convert(path: Path, params: ConvertParams) -> onnx.ModelProto:
    """The model, with the inputs and outputs of its signature, where it has one.

    Raises: StepError MP-E464 if it cannot be converted, MP-E461 if the result differs from it.
    """
    with path.open("rb") as stream:
        if stream.read(8)[4:] != _MARK:
            raise _failed("the file is no TensorFlow Lite model")
    interpreter = _interpreter(path)
    inputs, outputs = _tensors(interpreter)
    model = _translated(path, params.opset)
    _check_operators(model)
    rename(model, {one.name: one.shown for one in (*inputs, *outputs)})
    open_dimensions(model)
    make_canonical(model)
    _compare(model, interpreter, (inputs, outputs), params.atol)
    return model


def _interpreter(path: Path) -> tf.lite.Interpreter:
    try:
        return tf.lite.Interpreter(str(path))
    except (ValueError, RuntimeError) as err:
        raise _failed(f"TensorFlow cannot read the file: {_first_line(err)}") from err


def _tensors(interpreter: tf.lite.Interpreter) -> tuple[list[Tensor], list[Tensor]]:
    """Inputs and outputs. A single signature names them; without one, the tensors' own names do."""
    given, made = interpreter.get_input_details(), interpreter.get_output_details()
    shown: dict[int, str] = {}
    if len(interpreter.get_signature_list()) == 1:
        runner = interpreter.get_signature_runner()
        for details in (runner.get_input_details(), runner.get_output_details()):
            shown |= {one["index"]: name for name, one in details.items()}
    names = [shown.get(one["index"], _plain(one["name"])) for one in (*given, *made)]
    if len(set(names)) < len(names):
        names = [one["name"] for one in (*given, *made)]
    tensors = [
        Tensor(
            one["name"], name, tuple(map(int, one["shape_signature"])), one["dtype"], one["index"]
        )
        for one, name in zip((*given, *made), names, strict=True)
    ]
    return tensors[: len(given)], tensors[len(given) :]


def _plain(name: str) -> str:
    return name.removesuffix(":0").removeprefix("serving_default_")


def _translated(path: Path, opset: int | None) -> onnx.ModelProto:
    try:
        model, _ = converter.from_tflite(str(path), opset=opset)
    except Exception as err:  # its errors are of every kind
        raise _failed(f"tf2onnx gave up: {_first_line(err)}") from err
    found: onnx.ModelProto = model
    found.graph.name, found.producer_version = "model", ""
    found.graph.doc_string = ""
    return found


def _check_operators(model: onnx.ModelProto) -> None:
    unknown = sorted(
        {
            node.op_type
            for node in nodes(model)
            if not is_standard(node) or not onnx.defs.has(node.op_type)
        }
    )
    if unknown:
        more = "" if len(unknown) <= _SHOWN else f" and {len(unknown) - _SHOWN} more"
        raise _failed(f"tf2onnx does not translate {', '.join(unknown[:_SHOWN])}{more}")


def _compare(
    model: onnx.ModelProto,
    interpreter: tf.lite.Interpreter,
    tensors: tuple[list[Tensor], list[Tensor]],
    atol: float | None,
) -> None:
    inputs, outputs = tensors
    is_quantized = any(node.op_type == "QuantizeLinear" for node in nodes(model))
    session = _session(model)
    for number, feeds in enumerate(_feeds(inputs)):
        try:
            expected = _interpreted(interpreter, inputs, outputs, feeds)
        except (RuntimeError, ValueError) as err:
            if number:
                continue  # the file itself does not run at other sizes than its own
            raise _failed(f"TensorFlow cannot run the file: {_first_line(err)}") from err
        found = _converted(session, outputs, feeds)
        for tensor, wanted, got in zip(outputs, expected, found, strict=True):
            largest = float(np.max(np.abs(wanted.astype(np.float64)), initial=0.0))
            limit = max(DEFAULT_ATOL, _QUANTIZED_STEPS * largest if is_quantized else 0.0)
            _check_close(tensor, (wanted, got), atol or limit)


def _session(model: onnx.ModelProto) -> ort.InferenceSession:
    try:
        return ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    except Exception as err:  # onnxruntime's errors share no class of their own
        raise _failed(f"onnxruntime refuses the result: {_first_line(err)}") from err


def _feeds(inputs: list[Tensor]) -> Iterator[dict[str, Array]]:
    random = np.random.default_rng(0)
    is_open = any(-1 in one.shape for one in inputs)
    for batch in _BATCHES if is_open else _BATCHES[:1]:
        yield {one.shown: _random(random, one, batch) for one in inputs}


def _random(random: np.random.Generator, tensor: Tensor, batch: int) -> Array:
    shape = [batch if size == -1 else size for size in tensor.shape]
    if np.issubdtype(tensor.dtype, np.floating):
        return random.standard_normal(shape).astype(tensor.dtype)
    if tensor.dtype in {np.int8, np.uint8}:
        return random.integers(0, 256, shape).astype(np.uint8).view(tensor.dtype)
    if tensor.dtype is np.bytes_ or tensor.dtype is np.str_ or tensor.dtype is np.object_:
        raise _failed(f'its input "{tensor.shown}" takes strings')
    return random.integers(0, 2, shape).astype(tensor.dtype)  # as indices, these are always right


def _interpreted(
    interpreter: tf.lite.Interpreter,
    inputs: list[Tensor],
    outputs: list[Tensor],
    feeds: dict[str, Array],
) -> list[Array]:
    """What TensorFlow computes. Raises: RuntimeError or ValueError if the file does not run at these sizes."""
    for tensor in inputs:
        interpreter.resize_tensor_input(tensor.place, feeds[tensor.shown].shape)
    interpreter.allocate_tensors()
    for tensor in inputs:
        interpreter.set_tensor(tensor.place, feeds[tensor.shown])
    interpreter.invoke()
    return [interpreter.get_tensor(tensor.place) for tensor in outputs]


def _converted(
    session: ort.InferenceSession, outputs: list[Tensor], feeds: dict[str, Array]
) -> list[Array]:
    try:
        found: list[Array] = session.run([one.shown for one in outputs], feeds)
    except _DOES_NOT_RUN as err:
        raise _failed(f"the result does not run where the file does: {_first_line(err)}") from err
    return found


def _check_close(tensor: Tensor, pair: tuple[Array, Array], atol: float) -> None:
    wanted, got = (one.astype(np.float64) for one in pair)
    difference = (
        float(np.max(np.abs(wanted - got), initial=0.0)) if wanted.shape == got.shape else np.inf
    )
    if not difference <= atol:
        raise StepError(
            "MP-E461",
            f"the converted model does not agree with the file within atol = {atol:g}: {tensor.shown} differs by {difference:.3g}",
            remedy="set atol if that is small enough for you; golden metrics compare with the converted model",
        )


def _failed(found: str) -> StepError:
    return StepError(
        "MP-E464",
        found,
        remedy="export the model to ONNX where it was made, and name that file",
    )


def _first_line(err: BaseException) -> str:
    return next(
        (line.strip() for line in str(err).splitlines() if line.strip()), type(err).__name__
    )[:300]
