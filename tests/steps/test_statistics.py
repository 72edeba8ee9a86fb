from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.errors import StepError
from modelpack.graph.entropy.statistics import read_statistics
from modelpack.graph.golden.samples import write_samples
from modelpack.planned import StatisticsParams
from modelpack.steps import statistics
from tests.support import onnx_models
from tests.support.shaped import mlp_samples, sample_file, wide_mlp
from tests.support.step_runs import measured, path_of, step_input


def test_run_gives_statistics_of_every_weight(tmp_path: Path) -> None:
    model = onnx_models.write(wide_mlp(), tmp_path / "model.onnx")
    fit = sample_file(tmp_path / "fit.npz", mlp_samples(20))
    output = statistics.run(step_input(StatisticsParams(()), tmp_path, model=model, fit=fit))
    assert measured(output) == {"weights": 2, "watchedWeights": 2, "weightsWithGradient": 2}
    found = read_statistics(path_of(output, "statistics"))
    assert set(found.costs) == {"fc1.weight", "fc2.weight"}


def test_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    model = onnx_models.write(wide_mlp(), tmp_path / "model.onnx")
    fit = sample_file(tmp_path / "fit.npz", mlp_samples(20))
    first, second = (
        statistics.run(step_input(StatisticsParams(()), tmp_path, model=model, fit=fit))
        for _ in range(2)
    )
    assert path_of(first, "statistics").read_bytes() == path_of(second, "statistics").read_bytes()


def test_run_model_without_large_weights_has_nothing_to_say(tmp_path: Path) -> None:
    proto = wide_mlp()
    del proto.graph.node[1:]
    proto.graph.node[0].op_type = "Add"
    proto.graph.node[0].output[0] = "logits"
    proto.graph.node[0].input[1] = "x"
    model = onnx_models.write(proto, tmp_path / "model.onnx")
    fit = sample_file(tmp_path / "fit.npz", mlp_samples(3))
    output = statistics.run(step_input(StatisticsParams(()), tmp_path, model=model, fit=fit))
    assert measured(output)["weights"] == 0


def test_run_without_samples_is_refused(tmp_path: Path) -> None:
    model = onnx_models.write(wide_mlp(), tmp_path / "model.onnx")
    fit = write_samples(tmp_path / "fit.npz", ("x",), ())
    with pytest.raises(StepError, match="no sample is left to fit by") as raised:
        statistics.run(step_input(StatisticsParams(()), tmp_path, model=model, fit=fit))
    assert raised.value.code == "MP-E501"
