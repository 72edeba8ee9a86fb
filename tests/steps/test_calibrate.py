from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from onnx import helper

from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample, write_samples
from modelpack.planned import CalibrateParams, QuantizeParams
from modelpack.spec.golden import StatePair
from modelpack.spec.variants import CalibrateMethod
from modelpack.steps import calibrate, quantize
from tests.support import onnx_models
from tests.support.calibrated import STATIC
from tests.support.recipes import floats, lifted_if_net, one_node, two_layers
from tests.support.shaped import sample_file
from tests.support.step_runs import measured, path_of, step_input


def samples(count: int) -> tuple[Sample, ...]:
    return tuple(Sample(number, {"x": floats(number, 2, 32)}) for number in range(count))


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_run_gives_ranges_by_name(method: CalibrateMethod, tmp_path: Path) -> None:
    model = onnx_models.write(two_layers(), tmp_path / "model.onnx")
    fit = sample_file(tmp_path / "fit.npz", samples(10))
    output = calibrate.run(step_input(CalibrateParams(method), tmp_path, model=model, fit=fit))
    assert measured(output) == {"ranges": 4, "samples": 10}
    ranges = msgspec.json.decode(path_of(output, "ranges").read_bytes())
    assert list(ranges) == ["a", "b", "x", "y"]
    assert output.notes == ()


def test_run_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    model = onnx_models.write(two_layers(), tmp_path / "model.onnx")
    fit = sample_file(tmp_path / "fit.npz", samples(10))
    first, second = (
        calibrate.run(step_input(CalibrateParams("entropy"), tmp_path, model=model, fit=fit))
        for _ in range(2)
    )
    assert path_of(first, "ranges").read_bytes() == path_of(second, "ranges").read_bytes()
    assert list(path_of(first, "ranges").parent.iterdir()) == [path_of(first, "ranges")]


def test_run_takes_some_of_many_samples(tmp_path: Path) -> None:
    model = onnx_models.write(two_layers(), tmp_path / "model.onnx")
    fit = sample_file(tmp_path / "fit.npz", samples(300))
    output = calibrate.run(step_input(CalibrateParams("minmax"), tmp_path, model=model, fit=fit))
    assert measured(output)["samples"] == 150


def test_run_carries_state_from_step_to_step(tmp_path: Path) -> None:
    """Each step adds its input: after three steps the product reads 1 + 2 + 4."""
    nodes = [
        helper.make_node("Add", ["x", "state"], ["sum"], "/add"),
        helper.make_node("MatMul", ["sum", "w"], ["y"], "/product"),
        helper.make_node("Identity", ["sum"], ["stateN"], "/carry"),
    ]
    proto = one_node("MatMul", [1, 32], np.ones((32, 32), np.float32), [1, 32])
    del proto.graph.node[:]
    proto.graph.node.extend(nodes)
    proto.graph.input.append(onnx_models.value("state", [1, 32]))
    proto.graph.output.append(onnx_models.value("stateN", [1, 32]))
    model = onnx_models.write(proto, tmp_path / "model.onnx")
    steps = np.array([1, 2, 4], np.float32)[:, None, None] * np.ones((3, 1, 32), np.float32)
    feeds = {"x": steps, "state": np.zeros((1, 32), np.float32)}
    sample = Sample(0, feeds, stepped=frozenset({"x"}))
    fit = write_samples(tmp_path / "fit.npz", ("x", "state"), (sample,))
    params = CalibrateParams("minmax", (StatePair("state", "stateN"),))
    output = calibrate.run(step_input(params, tmp_path, model=model, fit=fit))
    ranges = msgspec.json.decode(path_of(output, "ranges").read_bytes())
    assert ranges["sum"] == [1.0, 7.0]


@pytest.mark.parametrize("method", ["minmax", "entropy", "percentile"])
def test_run_infinite_activations_are_left_out_with_a_note(
    method: CalibrateMethod, tmp_path: Path
) -> None:
    proto = two_layers()
    proto.graph.node[1].op_type = "Log"
    model = onnx_models.write(proto, tmp_path / "model.onnx")
    zeros = (Sample(0, {"x": np.zeros((2, 32), np.float32)}),)
    fit = sample_file(tmp_path / "fit.npz", zeros)
    output = calibrate.run(step_input(CalibrateParams(method), tmp_path, model=model, fit=fit))
    assert set(msgspec.json.decode(path_of(output, "ranges").read_bytes())) == {"a", "x"}
    assert output.notes == ("2 activations are infinite on samples and stay floats",)


def test_run_without_samples_is_refused(tmp_path: Path) -> None:
    model = onnx_models.write(two_layers(), tmp_path / "model.onnx")
    fit = write_samples(tmp_path / "fit.npz", ("x",), ())
    with pytest.raises(StepError, match="MP-E501 no sample is left to calibrate by"):
        calibrate.run(step_input(CalibrateParams("minmax"), tmp_path, model=model, fit=fit))


def test_run_ranges_make_a_static_variant(tmp_path: Path) -> None:
    model = onnx_models.write(two_layers(), tmp_path / "model.onnx")
    fit = sample_file(tmp_path / "fit.npz", samples(10))
    found = calibrate.run(step_input(CalibrateParams("minmax"), tmp_path, model=model, fit=fit))
    params = QuantizeParams("q8", "wasm", (), 32, STATIC)
    ranges = path_of(found, "ranges")
    output = quantize.run(step_input(params, tmp_path, model=model, ranges=ranges))
    assert measured(output)["scheme"] == "w8_channel_a8_static"


def test_run_static_variant_of_branches_alone_is_refused(tmp_path: Path) -> None:
    model = onnx_models.write(lifted_if_net(), tmp_path / "model.onnx")
    ranges = tmp_path / "ranges.json"
    ranges.write_bytes(b"{}")
    params = QuantizeParams("q8", "wasm", (), 32, STATIC)
    with pytest.raises(StepError) as caught:
        quantize.run(step_input(params, tmp_path, model=model, ranges=ranges))
    assert str(caught.value) == (
        "MP-E450 activations: static q8 changes nothing in this model: it rounds what products and filters "
        "outside branches and loops read, with float32 weights of 1024 numbers or more, and finds none — "
        'use activations = "dynamic" or "float"'
    )
