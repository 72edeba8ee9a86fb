"""Small TensorFlow Lite models through conversion, beside TensorFlow's own interpreter."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

from modelpack.engine.worker import Call
from modelpack.engine.workers import ProcessWorkers
from modelpack.errors import StepError
from modelpack.planned import ConvertParams
from modelpack.steps.contract import InputFiles, StepInput, StepOutput
from tests.support.exports import LIMIT_S, file_of, needs_tflite, state_of

pytestmark = [pytest.mark.export, needs_tflite]

Floats = npt.NDArray[np.float32]
CLOSE = 1e-5  # 32-bit sums in another order
ONE_STEP_OF_EIGHT_BITS = 1 / 256


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessWorkers]:
    workers = ProcessWorkers(1)
    yield workers
    workers.stop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tflite")


def run(workers: ProcessWorkers, module: str, function: str, argument: object) -> object:
    return workers.run(Call(module, function, argument, "convert:test", pool="convert"), LIMIT_S)


def tflite(workers: ProcessWorkers, folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.tflite"
    if not path.exists():
        run(workers, "tests.support.small_tflite", "make", (kind, folder))
    return path


def converted(
    workers: ProcessWorkers, path: Path, out: Path, params: ConvertParams | None = None
) -> StepOutput:
    out.mkdir()
    step = StepInput(params or ConvertParams(None, None), (InputFiles("tflite", (path,)),), out)
    output = run(workers, "modelpack.steps.convert", "run", step)
    assert isinstance(output, StepOutput)
    return output


def interpreted(workers: ProcessWorkers, path: Path, value: Floats) -> Floats:
    found = run(workers, "tests.support.small_tflite", "outputs", (path, value))
    assert isinstance(found, np.ndarray)
    return found


@pytest.mark.parametrize(
    ("kind", "name", "shape", "close"),
    [
        ("picture", "picture", (1, 12, 12, 3), CLOSE),
        ("picture", "picture", (5, 12, 12, 3), CLOSE),
        ("picture8", "picture", (1, 12, 12, 3), 2 * ONE_STEP_OF_EIGHT_BITS),
        ("sequence", "frames", (1, 7, 5), CLOSE),
    ],
)
def test_convert_gives_what_the_interpreter_gives(
    workers: ProcessWorkers, folder: Path, tmp_path: Path, kind: str, name: str,
    shape: tuple[int, ...], close: float,
) -> None:  # fmt: skip
    path = tflite(workers, folder, kind)
    output = converted(workers, path, tmp_path / "out")
    value = np.random.default_rng(7).random(shape, np.float32)
    session = ort.InferenceSession(file_of(output, "graph"), providers=["CPUExecutionProvider"])
    (found,) = session.run(None, {name: value})
    np.testing.assert_allclose(found, interpreted(workers, path, value), atol=close)
    assert state_of(output) == ()


def test_convert_names_inputs_and_outputs_as_the_signature_does(
    workers: ProcessWorkers, folder: Path, tmp_path: Path
) -> None:
    output = converted(workers, tflite(workers, folder, "picture"), tmp_path / "out")
    session = ort.InferenceSession(file_of(output, "graph"), providers=["CPUExecutionProvider"])
    inputs = [(one.name, one.shape) for one in session.get_inputs()]
    outputs = [(one.name, one.shape) for one in session.get_outputs()]
    assert inputs == [("picture", ["batch", 12, 12, 3])]
    assert outputs == [("output_0", ["batch", 4])]


def test_convert_repeats_to_the_byte(workers: ProcessWorkers, folder: Path, tmp_path: Path) -> None:
    path = tflite(workers, folder, "sequence")
    files = [file_of(converted(workers, path, tmp_path / name), "graph") for name in ("a", "b")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_convert_writes_the_opset_that_is_wanted(
    workers: ProcessWorkers, folder: Path, tmp_path: Path
) -> None:
    path = tflite(workers, folder, "picture")
    output = converted(workers, path, tmp_path / "out", ConvertParams(17, None))
    assert [(one.name, one.value) for one in output.measurements] == [("opset", 17)]


def test_convert_of_an_operator_without_translation_names_it(
    workers: ProcessWorkers, folder: Path, tmp_path: Path
) -> None:
    path = tflite(workers, folder, "untranslated")
    with pytest.raises(StepError, match=r"MP-E464.*does not translate TFL_GELU") as caught:
        converted(workers, path, tmp_path / "out")
    assert "export the model to ONNX where it was made" in caught.value.remedy


def test_convert_that_differs_more_than_it_may_fails(
    workers: ProcessWorkers, folder: Path, tmp_path: Path
) -> None:
    path = tflite(workers, folder, "picture")
    with pytest.raises(StepError, match=r"MP-E461.*within atol = 1e-30"):
        converted(workers, path, tmp_path / "out", ConvertParams(None, 1e-30))


def test_convert_of_a_file_that_the_interpreter_cannot_run_is_not_taken_on_trust(
    workers: ProcessWorkers, folder: Path, tmp_path: Path
) -> None:
    path = tflite(workers, folder, "one_row")
    with pytest.raises(StepError, match=r"MP-E464.*TensorFlow cannot run the file"):
        converted(workers, path, tmp_path / "out")


@pytest.mark.parametrize(
    ("content", "said"), [(b"<html>", "no TensorFlow Lite"), (b"\x1c\0\0\0TFL3", "cannot read")]
)
def test_convert_of_a_file_that_is_none_says_so(
    workers: ProcessWorkers, tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "model.tflite"
    path.write_bytes(content)
    with pytest.raises(StepError, match=rf"MP-E464.*{said}"):
        converted(workers, path, tmp_path / "out")
