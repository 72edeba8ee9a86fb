from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import onnx
import pytest
from onnx import helper

from modelpack.errors import StepError
from modelpack.graph.golden.samples import write_samples
from modelpack.planned import EvaluateParams
from modelpack.record import Evaluation, MetricValue
from modelpack.steps import evaluate
from modelpack.steps.contract import StepOutput
from tests.support import onnx_models
from tests.support.golden_sets import sample
from tests.support.onnx_models import tensor, value
from tests.support.step_runs import measured, path_of, step_input

ROWS = ([1.0, 2.0], [2.0, 1.0], [0.0, 4.0])


def adding(*numbers: float) -> onnx.ModelProto:
    """`x` float32 [1, 2] → `y` = x + numbers, and `z` = x."""
    nodes = [
        helper.make_node("Add", ["x", "w"], ["y"], "/add"),
        helper.make_node("Identity", ["x"], ["z"], "/copy"),
    ]
    outputs = [value("y", [1, 2]), value("z", [1, 2])]
    weights = [tensor("w", np.array([numbers], np.float32))]
    return onnx_models.model(nodes, [value("x", [1, 2])], outputs, weights)


def run(
    folder: Path,
    variant: onnx.ModelProto | bytes,
    reference: onnx.ModelProto | None = None,
    outputs: tuple[str, ...] = (),
) -> StepOutput:
    samples = [
        sample(10 + number, x=np.array([row], np.float32)) for number, row in enumerate(ROWS)
    ]
    judge = write_samples(folder / "judge.npz", ["x"], samples)
    model = folder / "variant.onnx"
    model.write_bytes(variant if isinstance(variant, bytes) else variant.SerializeToString())
    original = onnx_models.write(reference or adding(0, 0), folder / "original.onnx")
    params = EvaluateParams(outputs, ())
    return evaluate.run(step_input(params, folder, reference=original, model=model, judge=judge))


def evaluation(output: StepOutput) -> Evaluation:
    return msgspec.json.decode(path_of(output, "evaluation").read_bytes(), type=Evaluation)


def test_run_same_model_is_perfect(tmp_path: Path) -> None:
    output = run(tmp_path, adding(0, 0))
    assert measured(output) == {
        "cosine": pytest.approx(1),
        "max_abs_error": 0,
        "top1_agreement": 1,
    }
    assert evaluation(output).samples == 3


def test_run_names_the_worst_sample_by_its_place_in_the_file(tmp_path: Path) -> None:
    cosine, error, agreement = evaluation(run(tmp_path, adding(1.5, 0), outputs=("y",))).metrics
    # Sample 10 turns from [1, 2] to [2.5, 2]: its larger class changes. Sample 12, [0, 4], turns to [1.5, 4].
    assert agreement == MetricValue("top1_agreement", 2 / 3, 10, 0, 0, 1)
    assert error == MetricValue("max_abs_error", 1.5, 10, 1.5)
    assert cosine.worst_sample == 10
    assert cosine.worst_value == pytest.approx(6.5 / (5**0.5 * 10.25**0.5))


def test_run_compares_only_the_wanted_outputs(tmp_path: Path) -> None:
    assert measured(run(tmp_path, adding(9, 0), outputs=("z",)))["max_abs_error"] == 0


def test_run_all_outputs_are_compared_otherwise(tmp_path: Path) -> None:
    found = measured(run(tmp_path, adding(0, 9)))
    assert found["max_abs_error"] == 9
    # z agrees entirely, so the mean over outputs lies halfway between 1 and y's cosine.
    assert isinstance(found["cosine"], float)
    assert 0.5 < found["cosine"] < 1


def test_run_outputs_the_variant_no_longer_has_are_not_compared(tmp_path: Path) -> None:
    variant = adding(0, 0)
    del variant.graph.output[1]
    assert measured(run(tmp_path, variant))["max_abs_error"] == 0


def test_run_reads_external_data_beside_the_graph(tmp_path: Path) -> None:
    graph = onnx_models.write_external_model(tmp_path)
    samples = [sample(0, x=np.ones((2, 32), np.float32))]
    step = step_input(
        EvaluateParams((), ()),
        tmp_path,
        reference=(graph, tmp_path / "weights.bin"),
        model=onnx_models.write(onnx_models.mlp(), tmp_path / "variant.onnx"),
        judge=write_samples(tmp_path / "judge.npz", ["x"], samples),
    )
    assert measured(evaluate.run(step))["max_abs_error"] == 0


@pytest.mark.parametrize("number", [np.nan, np.inf])
def test_run_variant_that_is_not_finite_fails(number: float, tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        run(tmp_path, adding(number, 0))
    assert str(caught.value) == (
        "MP-E451 sample 10: y of the variant is not finite numbers (float32) — "
        "exclude the node (nodes_to_exclude), or remove this variant"
    )


def test_run_original_that_is_not_finite_blames_the_sample(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="MP-E502 sample 10: y of the original is not finite"):
        run(tmp_path, adding(0, 0), adding(np.nan, 0))


def test_run_variant_that_does_not_load_names_the_node(tmp_path: Path) -> None:
    variant = adding(0, 0)
    variant.graph.node[0].op_type = "Addition"
    with pytest.raises(
        StepError, match=r"MP-E451 onnxruntime does not load the variant: .*Addition"
    ):
        run(tmp_path, variant)


def test_run_variant_that_is_no_model_fails(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="MP-E451 onnxruntime does not load the variant"):
        run(tmp_path, b"not a model")


def test_run_variant_with_other_inputs_fails(tmp_path: Path) -> None:
    variant = adding(0, 0)
    variant.graph.input[0].name = variant.graph.node[0].input[0] = "other"
    variant.graph.node[1].input[0] = "other"
    with pytest.raises(StepError, match="MP-E451 sample 10: the variant does not run"):
        run(tmp_path, variant)


def test_run_input_the_variant_no_longer_has_is_not_fed(tmp_path: Path) -> None:
    original = adding(0, 0)
    original.graph.input.append(value("extra", [1]))
    original.graph.node.append(helper.make_node("Identity", ["extra"], ["e"], "/extra"))
    original.graph.output.append(value("e", [1]))
    feeds = {"x": np.ones((1, 2), np.float32), "extra": np.ones(1, np.float32)}
    step = step_input(
        EvaluateParams(("y",), ()),
        tmp_path,
        reference=onnx_models.write(original, tmp_path / "original.onnx"),
        model=onnx_models.write(adding(0, 0), tmp_path / "variant.onnx"),
        judge=write_samples(tmp_path / "judge.npz", ["x", "extra"], [sample(0, **feeds)]),
    )
    assert measured(evaluate.run(step))["max_abs_error"] == 0


def test_run_variant_with_other_shapes_fails(tmp_path: Path) -> None:
    variant = onnx_models.model(
        [helper.make_node("Concat", ["x", "x"], ["y"], "/twice", axis=1)],
        [value("x", [1, 2])],
        [value("y", [1, 4])],
        [],
    )
    with pytest.raises(StepError) as caught:
        run(tmp_path, variant)
    assert caught.value.message == "y is [1, 2] in the original, [1, 4] in the variant"


def test_run_without_judge_samples_fails(tmp_path: Path) -> None:
    path = onnx_models.write(adding(0, 0), tmp_path / "model.onnx")
    judge = write_samples(tmp_path / "judge.npz", ["x"], [])
    step = step_input(EvaluateParams((), ()), tmp_path, reference=path, model=path, judge=judge)
    with pytest.raises(StepError, match="MP-E501 no sample is left to judge by"):
        evaluate.run(step)


def test_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    first, second = (path_of(run(tmp_path, adding(0.1, 0)), "evaluation") for _ in range(2))
    assert first.read_bytes() == second.read_bytes()


def elsewhere(folder: Path, params: EvaluateParams, rows: Sequence[list[float]]) -> Evaluation:
    """A variant that adds 1, on `ROWS` and on other rows of the same inputs."""
    files = {}
    for role, given in (("judge", ROWS), ("other", rows)):
        samples = [sample(at, x=np.array([row], np.float32)) for at, row in enumerate(given)]
        files[role] = write_samples(folder / f"{role}.npz", ["x"], samples)
    for role, model in (("reference", adding(0, 0)), ("model", adding(1, 0))):
        files[role] = onnx_models.write(model, folder / f"{role}.onnx")
    return evaluation(evaluate.run(step_input(params, folder, **files)))


def test_run_another_domain_is_measured_beside_the_first(tmp_path: Path) -> None:
    found = elsewhere(tmp_path, EvaluateParams(("y",), ()), [[3.0, 4.0]])
    assert [metric.metric for metric in found.metrics] == [
        "cosine",
        "max_abs_error",
        "top1_agreement",
    ]
    (cosine,) = found.other
    assert cosine.metric == "cosine"
    assert cosine.value == pytest.approx((3 * 4 + 4 * 4) / (5 * 32**0.5))
    assert found.samples == 3


def test_run_another_domain_has_the_metrics_with_a_limit_that_need_no_truth(
    tmp_path: Path,
) -> None:
    params = EvaluateParams(("y",), (), metrics=("max_abs_error", "mean_abs_error"))
    found = elsewhere(tmp_path, params, [[3.0, 4.0]])
    assert {metric.metric: metric.value for metric in found.other} == {
        "max_abs_error": 1.0,
        "mean_abs_error": 0.5,
    }


def test_run_another_domain_without_judge_samples_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        elsewhere(tmp_path, EvaluateParams(("y",), ()), [])
    assert (caught.value.code, caught.value.where) == ("MP-E501", "golden.other")
