from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from numpy.typing import NDArray

from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample, write_samples
from modelpack.planned import EvaluateParams
from modelpack.record import EvaluatedSamples
from modelpack.spec.golden import StatePair
from modelpack.steps import evaluate
from modelpack.steps.contract import InputFiles, StepInput, StepOutput
from tests.support import onnx_models
from tests.support.onnx_models import lstm_net, mlp, weights_like
from tests.support.step_runs import measured, path_of, step_input

CARRIED = (StatePair("state", "stateN"),)


def evaluated(output: StepOutput) -> EvaluatedSamples:
    return msgspec.json.decode(path_of(output, "evaluation").read_bytes(), type=EvaluatedSamples)


def labelled(*labels: int | None) -> list[Sample]:
    rows = weights_like(3, len(labels), 1, 32)
    return [
        Sample(
            number,
            {"x": row},
            f"{number}.bin",
            label=None if label is None else np.array(label, np.int64),
        )
        for number, (row, label) in enumerate(zip(rows, labels, strict=True))
    ]


def run(
    folder: Path, samples: list[Sample], params: EvaluateParams, *functions: Path
) -> StepOutput:
    model = onnx_models.write(mlp(), folder / "model.onnx")
    judge = write_samples(folder / "judge.npz", ["x"], samples)
    files = {"reference": model, "model": model, "judge": judge, "metric": functions}
    return evaluate.run(step_input(params, folder, **files))


def predicted(samples: list[Sample]) -> list[int]:
    """The classes that the model gives, in numpy."""
    weights = [
        weights_like(seed, *shape) for seed, shape in enumerate([(32, 64), (64,), (10, 64), (10,)])
    ]
    rows = [np.maximum(sample.feeds["x"] @ weights[0] + weights[1], 0) for sample in samples]
    return [int((row @ weights[2].T + weights[3]).argmax()) for row in rows]


def test_run_measures_what_has_a_limit_and_what_always_is(tmp_path: Path) -> None:
    params = EvaluateParams((), (), ("sqnr", "kl_divergence"))
    found = measured(run(tmp_path, labelled(None, None), params))
    assert list(found) == ["cosine", "max_abs_error", "sqnr", "kl_divergence", "top1_agreement"]
    assert found["sqnr"] == 144.5
    assert found["kl_divergence"] == 0


def test_run_keeps_the_figure_of_every_sample(tmp_path: Path) -> None:
    found = evaluated(run(tmp_path, labelled(None, None), EvaluateParams((), ())))
    assert [(row.position, row.name) for row in found.figures] == [(0, "0.bin"), (1, "1.bin")]
    assert found.figures[1].values == (pytest.approx(1), 0, 1)


def test_run_judges_labels(tmp_path: Path) -> None:
    truth = predicted(labelled(0, 0, 0, 0))
    wrong = (truth[3] + 1) % 10
    samples = labelled(truth[0], truth[1], truth[2], wrong)
    output = run(tmp_path, samples, EvaluateParams((), (), ("accuracy", "f1")))
    assert measured(output)["accuracy"] == 0.75
    accuracy = next(one for one in evaluated(output).metrics if one.metric == "accuracy")
    assert (accuracy.worst_sample, accuracy.worst_value) == (3, 0)
    assert accuracy.low is not None
    assert accuracy.high is not None
    assert accuracy.low <= 0.5
    assert 0.75 < accuracy.high <= 1


def test_run_without_labels_names_the_sample(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        run(tmp_path, labelled(1, None), EvaluateParams((), (), ("accuracy",)))
    assert str(caught.value) == (
        "MP-E504 golden.labels, sample 1 (1.bin): found no label — give each sample a label"
    )


def test_run_metric_that_does_not_suit_names_the_sample(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"MP-E503 golden\.metrics, sample 0 \(0\.bin\): box_iou"):
        run(tmp_path, labelled(None), EvaluateParams((), (), ("box_iou",)))


def test_run_calls_functions_of_the_project(tmp_path: Path) -> None:
    path = tmp_path / "0.py"
    path.write_text("def size(expected, found, label):\n    return found['logits'].size + label\n")
    params = EvaluateParams((), (), ("python:m:size",), (("python:m:size", "size"),))
    output = run(tmp_path, labelled(1, 2), params, path)
    assert measured(output)["python:m:size"] == 11.5


def test_run_function_that_gives_nan_fails(tmp_path: Path) -> None:
    path = tmp_path / "0.py"
    path.write_text("def size(expected, found, label):\n    return float('nan')\n")
    params = EvaluateParams((), (), ("python:m:size",), (("python:m:size", "size"),))
    with pytest.raises(StepError, match=r"MP-E451 sample 0 \(0\.bin\): python:m:size is nan"):
        run(tmp_path, labelled(1), params, path)


def stateful(folder: Path, frames: NDArray[np.float32], *names: str) -> StepInput[EvaluateParams]:
    """One sample: `frames` [steps, frames of a step, 1, 8] through the LSTM."""
    feeds = {"x": frames, "state": np.zeros((1, 1, 16), np.float32)}
    judge = write_samples(
        folder / "judge.npz", ["x", "state"], [Sample(0, feeds, stepped=frozenset({"x"}))]
    )
    model = onnx_models.write(lstm_net(), folder / "model.onnx")
    params = EvaluateParams(names, (), ("python:m:keep",), (("python:m:keep", "keep"),), CARRIED)
    function = folder / "0.py"
    function.write_text(
        "import numpy as np\n"
        "def keep(expected, found, label):\n"
        f"    np.savez({str(folder / 'kept.npz')!r}, **found)\n"
        "    return 1\n"
    )
    return step_input(params, folder, reference=model, model=model, judge=judge, metric=function)


def test_run_carries_state_from_step_to_step(tmp_path: Path) -> None:
    frames = weights_like(7, 6, 1, 8)
    together, apart = tmp_path / "together", tmp_path / "apart"
    together.mkdir()
    apart.mkdir()
    evaluate.run(stateful(together, frames.reshape(1, 6, 1, 8), "y"))
    evaluate.run(stateful(apart, frames.reshape(3, 2, 1, 8), "y"))
    whole = np.load(together / "kept.npz")["y"].reshape(6, 16)
    steps = np.load(apart / "kept.npz")["y"]
    assert steps.shape == (3, 2, 1, 1, 16)
    # The cell of this LSTM starts anew at each call; only the hidden state is carried, so later steps differ a little.
    assert np.allclose(steps.reshape(6, 16)[:2], whole[:2], atol=1e-6)
    fresh = weights_like(7, 6, 1, 8)[2:4].reshape(1, 2, 1, 8)
    evaluate.run(stateful(together, fresh, "y"))
    assert not np.allclose(np.load(together / "kept.npz")["y"][0], steps[1], atol=1e-3)


def test_run_does_not_compare_state(tmp_path: Path) -> None:
    evaluate.run(stateful(tmp_path, weights_like(7, 2, 1, 1, 8)))
    assert np.load(tmp_path / "kept.npz").files == ["y"]


def test_run_reference_without_the_output_fails(tmp_path: Path) -> None:
    step = step_input(
        EvaluateParams((), ()),
        tmp_path,
        reference=onnx_models.write(onnx_models.conv_net(), tmp_path / "other.onnx"),
        model=onnx_models.write(lstm_net(), tmp_path / "model.onnx"),
        judge=write_samples(tmp_path / "judge.npz", ["x"], labelled(None)),
    )
    with pytest.raises(StepError) as caught:
        evaluate.run(step)
    assert str(caught.value) == (
        "MP-E503 golden.reference: the reference has no output y; it has logits — "
        "compare outputs that both have, by naming them in `outputs`"
    )


def test_input_names_default_to_those_of_the_files() -> None:
    files = (InputFiles("a", (Path("x/1.txt"),)), InputFiles("b", (Path("2"),), ("sub/2",)))
    step = StepInput(EvaluateParams((), ()), files, Path())
    assert [step.names(role) for role in "abc"] == [("1.txt",), ("sub/2",), ()]
