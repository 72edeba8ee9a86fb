from __future__ import annotations

from importlib.util import find_spec

import pytest

from modelpack.errors import StepError
from modelpack.export.libraries import TFLITE, missing_libraries, need_libraries


def test_libraries_missing_are_named_as_they_are_installed() -> None:
    found = {"transformers", "accelerate", "safetensors", "optimum"}
    assert missing_libraries(found.__contains__) == ("torch", "optimum-onnx")


def test_libraries_that_are_all_there_are_enough() -> None:
    assert missing_libraries(lambda _: True) == ()


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed")
def test_libraries_missing_come_with_the_command() -> None:
    with pytest.raises(StepError, match=r"MP-E404 .*torch.* — pip install 'modelpack\[export\]'"):
        need_libraries()


@pytest.mark.skipif(find_spec("tensorflow") is not None, reason="TensorFlow is installed")
def test_libraries_missing_for_tflite_come_with_their_own_command() -> None:
    with pytest.raises(
        StepError,
        match=r"MP-E404 .*a conversion needs tensorflow.* — pip install 'modelpack\[tflite\]'",
    ):
        need_libraries(TFLITE)
