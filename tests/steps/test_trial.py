from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from modelpack.errors import StepError
from modelpack.steps.trial import run_trial
from tests.support import onnx_models


def test_trial_of_a_model_says_what_it_ran_on(tmp_path: Path) -> None:
    path = onnx_models.write(onnx_models.embedding_net(), tmp_path / "model.onnx")

    assert run_trial(path) == "ids int64 [1, 16]"


def test_trial_of_a_model_with_a_missing_data_file_fails(tmp_path: Path) -> None:
    path = onnx_models.write_external_model(tmp_path, "w.bin")
    (tmp_path / "w.bin").unlink()

    with pytest.raises(StepError, match=r"MP-E403 onnxruntime cannot open the model \("):
        run_trial(path)


def test_trial_of_no_model_fails_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"nothing")

    with pytest.raises(StepError) as caught:
        run_trial(tmp_path / "model.onnx")

    assert "\n" not in str(caught.value)


def test_trial_of_a_model_that_fails_on_every_input_says_why(tmp_path: Path) -> None:
    model = onnx_models.embedding_net()
    model.graph.node[0].attribute.add(name="axis", i=1, type=2)
    model.graph.node[2].op_type = "Gemm"

    with pytest.raises(StepError, match="MP-E403"):
        run_trial(onnx_models.write(model, tmp_path / "model.onnx"))


def test_trial_can_be_sent_to_a_worker() -> None:
    assert pickle.loads(pickle.dumps(run_trial)) is run_trial  # noqa: S301  our own bytes
