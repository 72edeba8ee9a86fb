from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from modelpack.graph.entropy.grids import make_grids
from modelpack.graph.entropy.measuring import measure
from modelpack.graph.entropy.statistics import Statistics, read_statistics, write_statistics
from modelpack.graph.golden.samples import Sample
from tests.support import onnx_models
from tests.support.cores import needs_affinity, one_core
from tests.support.recipes import floats, lifted_if_net
from tests.support.shaped import mlp_samples, weight_of, wide_mlp

IDS = tuple(
    Sample(number, {"ids": np.random.default_rng(number).integers(0, 100, (1, 6))})
    for number in range(12)
)
IMAGES = tuple(Sample(number, {"image": floats(number, 1, 1, 8, 8)}) for number in range(12))
FLAGS = tuple(
    Sample(number, {"x": floats(number, 1, 32), "flag": np.array(number % 2 == 0)})
    for number in range(8)
)


def measured(proto: onnx.ModelProto, samples: tuple[Sample, ...], folder: Path) -> Statistics:
    return measure(onnx_models.write(proto, folder / "model.onnx"), samples, ())


def test_measure_products_have_moments_curvature_and_cost(tmp_path: Path) -> None:
    statistics = measured(wide_mlp(), mlp_samples(30), tmp_path)
    names = {"fc1.weight", "fc2.weight"}
    assert set(statistics.costs) == set(statistics.seen.moments) == names
    assert set(statistics.seen.curvature) == names
    assert statistics.seen.curvature["fc1.weight"].inputs.shape == (32, 32)
    assert statistics.seen.curvature["fc1.weight"].outputs.shape == (64, 64)
    assert all(cost > 0 for cost in statistics.costs.values())


def test_measure_last_products_curvature_is_the_same_for_all_outputs(tmp_path: Path) -> None:
    statistics = measured(wide_mlp(), mlp_samples(60), tmp_path)
    outputs = statistics.seen.curvature["fc2.weight"].outputs
    diagonal = np.diag(outputs)
    # Each output counts the same; 60 random signs.
    assert diagonal.max() == pytest.approx(diagonal.min(), rel=1e-5)


def test_measure_look_ups_count_rows(tmp_path: Path) -> None:
    statistics = measured(onnx_models.embedding_net(), IDS, tmp_path)
    assert statistics.seen.moments["table"].counts.sum() == 12 * 6
    assert statistics.seen.curvature["table"].outputs.shape == (32, 32)


def test_measure_large_filters_have_curvature_small_ones_moments_alone(tmp_path: Path) -> None:
    proto = onnx_models.conv_net()
    small = measured(proto, IMAGES, tmp_path)
    assert small.seen.moments["conv2.weight"].blocks[0].shape == (1, 144, 144)
    assert set(small.seen.curvature) <= {"fc.weight"}
    for each in proto.graph.initializer:
        outputs = 512
        if each.name == "conv2.weight":
            each.CopyFrom(onnx_models.tensor(each.name, floats(1, outputs, 16, 3, 3)))
        elif each.name == "conv2.bias":
            each.CopyFrom(onnx_models.tensor(each.name, floats(2, outputs)))
        elif each.name == "fc.weight":
            each.CopyFrom(onnx_models.tensor(each.name, floats(3, 10, outputs)))
    large = measured(proto, IMAGES, tmp_path)
    assert large.seen.curvature["conv2.weight"].inputs.shape == (144, 144)
    assert large.seen.curvature["conv2.weight"].outputs.shape == (512, 512)
    assert large.seen.curvature["conv2.weight"].activations == 0


def test_measure_filters_in_groups_have_moments_alone(tmp_path: Path) -> None:
    proto = onnx_models.conv_net()
    (second,) = (node for node in proto.graph.node if node.name == "/conv2")
    second.attribute.append(onnx.helper.make_attribute("group", 2))
    weight = next(each for each in proto.graph.initializer if each.name == "conv2.weight")
    halves = floats(1, weight.dims[0], 8, 3, 3)
    weight.CopyFrom(onnx_models.tensor("conv2.weight", halves))
    statistics = measured(proto, IMAGES, tmp_path)
    assert statistics.seen.moments["conv2.weight"].blocks[0].shape == (2, 72, 72)
    assert "conv2.weight" not in statistics.seen.curvature


def test_measure_weights_of_branches_have_a_cost_alone(tmp_path: Path) -> None:
    statistics = measured(lifted_if_net(), FLAGS, tmp_path)
    assert set(statistics.costs) == {"then.weight", "else.weight"}
    assert not statistics.seen.moments


def test_measure_cost_predicts_the_error_of_a_grid(tmp_path: Path) -> None:
    samples = mlp_samples(40)
    statistics = measured(wide_mlp(), samples, tmp_path)
    weight = weight_of(wide_mlp(), "fc2.weight")
    grid = make_grids((weight,), {"fc2.weight": 0.02}, statistics.seen)["fc2.weight"]
    # The cost was measured at a step of 0.08; feedback makes the error a little less than quadratic.
    assert statistics.costs["fc2.weight"] * 0.02**2 < 0.01
    assert np.abs(grid.floats(1) - weight.array()).max() < 0.1


@pytest.mark.parametrize(
    ("proto", "samples"),
    [
        (wide_mlp(), mlp_samples(20)),
        (onnx_models.conv_net(), IMAGES),
        (onnx_models.embedding_net(), IDS),
    ],
    ids=["mlp", "conv", "embedding"],
)
def test_statistics_file_holds_all_that_grids_need(
    proto: onnx.ModelProto, samples: tuple[Sample, ...], tmp_path: Path
) -> None:
    statistics = measured(proto, samples, tmp_path)
    path = write_statistics(tmp_path / "statistics.npz", statistics)
    again = write_statistics(tmp_path / "again.npz", statistics)
    assert path.read_bytes() == again.read_bytes()
    found = read_statistics(path)
    assert found.costs == statistics.costs
    for name, curvature in statistics.seen.curvature.items():
        assert found.seen.curvature[name].activations == curvature.activations
        assert found.seen.curvature[name].evened == curvature.evened
    for name, moments in statistics.seen.moments.items():
        assert found.seen.moments[name].largest.tolist() == moments.largest.tolist()
    for name in statistics.costs:
        weight = weight_of(proto, name)
        before = make_grids((weight,), {name: 0.05}, statistics.seen)[name]
        after = make_grids((weight,), {name: 0.05}, found.seen)[name]
        # Matrices are stored in single precision: a number on the edge may fall to the other side.
        assert np.mean(before.integers != after.integers) < 0.02
        assert np.allclose(before.steps, after.steps)


@needs_affinity
def test_measure_is_the_same_on_one_core(tmp_path: Path) -> None:
    usual = measured(onnx_models.conv_net(), IMAGES, tmp_path)
    with one_core():
        alone = measured(onnx_models.conv_net(), IMAGES, tmp_path)
    files = [
        write_statistics(tmp_path / f"{number}.npz", each).read_bytes()
        for number, each in enumerate((usual, alone))
    ]
    assert files[0] == files[1]
