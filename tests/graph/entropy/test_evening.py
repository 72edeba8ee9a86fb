from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import onnxruntime as ort
from msgspec import structs

from modelpack.graph.entropy.curvature import Curvature
from modelpack.graph.entropy.evening import even_weights, evened, worth_evening
from modelpack.graph.entropy.grids import Seen, make_grids
from modelpack.graph.entropy.measuring import measure
from modelpack.graph.entropy.moments import Moments
from modelpack.graph.entropy.rendering import Form, render
from modelpack.graph.entropy.solve import Request, Solution, prepare, solve
from modelpack.graph.golden.samples import Sample
from modelpack.graph.io import write_model
from modelpack.graph.recipes.weights import Floats, Weight, find_weights
from modelpack.spec.limits import Target
from tests.support import onnx_models
from tests.support.onnx_models import tensor
from tests.support.recipes import floats, largest_error, operators
from tests.support.shaped import mlp_samples, wide_mlp

STRONG = 8.0
DIVISORS = {"fc1.weight": np.array([0.25, 0.5, *[1] * 30], np.float32)}
NOTHING = np.zeros((0, 0))


def uneven_mlp() -> onnx.ModelProto:
    """`wide_mlp` with a first product that reads its first input as STRONG times as strong."""
    proto = wide_mlp()
    (first,) = (each for each in proto.graph.initializer if each.name == "fc1.weight")
    array = onnx.numpy_helper.to_array(first).copy()
    array[0] /= STRONG
    first.CopyFrom(tensor("fc1.weight", array))
    return proto


def uneven_samples(count: int, seed: int = 0) -> tuple[Sample, ...]:
    samples = mlp_samples(count, seed)
    strong = np.array([STRONG, *[1] * 31], np.float32)
    return tuple(Sample(each.position, {"x": each.feeds["x"] * strong}) for each in samples)


def solved(folder: Path, samples: tuple[Sample, ...], tune: tuple[Sample, ...]) -> Solution:
    source = onnx_models.write(uneven_mlp(), folder / "model.onnx")
    request = Request(source, Form("wasm", "integers"), (), (), (Target("cosine", 0.999),))
    return solve(request, prepare(request, measure(source, samples, ()), tune))


def siblings() -> tuple[Weight, ...]:
    """Two products that read `x`, and one that reads what the first gives."""
    nodes = [
        onnx.helper.make_node("MatMul", ["x", "a"], ["y"], "/a"),
        onnx.helper.make_node("MatMul", ["x", "b"], ["z"], "/b"),
        onnx.helper.make_node("MatMul", ["y", "c"], ["u"], "/c"),
    ]
    tensors = [tensor(name, floats(seed, 32, 32)) for seed, name in enumerate("abc")]
    ends = [onnx_models.value(name, [1, 32]) for name in ("x", "z", "u")]
    proto = onnx_models.model(nodes, ends[:1], ends[1:], tensors)
    return find_weights(ir.from_proto(proto), ()).weights


def seen(**costs: tuple[float, float]) -> Seen:
    moments = Moments(np.zeros((1, 32)), (), np.zeros(0, np.int64), np.full(32, 2, np.float32))
    curvature = {name: Curvature(NOTHING, NOTHING, *each) for name, each in costs.items()}
    return Seen(dict.fromkeys(costs, moments), curvature)


def test_measure_tells_what_evening_saves(tmp_path: Path) -> None:
    source = onnx_models.write(uneven_mlp(), tmp_path / "model.onnx")
    statistics = measure(source, uneven_samples(60), ())
    curvature = statistics.seen.curvature["fc1.weight"]
    assert curvature.evened < curvature.activations
    largest = statistics.seen.moments["fc1.weight"].largest
    assert largest[0] > 2 * largest[1:].max()


def test_worth_evening_products_that_share_inputs_together() -> None:
    found = worth_evening(siblings(), seen(a=(0.01, 0.0), b=(0.0, 0.0), c=(0.1, 0.2)), 0.02)
    assert sorted(found) == ["a", "b"]
    assert found["a"].tolist() == [1] * 32


def test_worth_evening_nothing_that_saves_little() -> None:
    assert worth_evening(siblings(), seen(a=(2e-5, 0.0), b=(1e-5, 0.0)), 0.02) == {}


def test_evened_statistics_are_those_of_divided_inputs(tmp_path: Path) -> None:
    uneven = measure(
        onnx_models.write(uneven_mlp(), tmp_path / "uneven.onnx"), uneven_samples(60), ()
    )
    even = measure(onnx_models.write(wide_mlp(), tmp_path / "even.onnx"), mlp_samples(60), ())
    divisors = np.array([STRONG, *[1] * 31], np.float32)
    found = evened(uneven, {"fc1.weight": divisors})
    wanted = even.seen.moments["fc1.weight"]
    assert np.allclose(found.seen.moments["fc1.weight"].mean, wanted.mean, rtol=1e-4)
    before, after = (each.seen.curvature["fc1.weight"].inputs for each in (uneven, found))
    assert after[0, 0] == before[0, 0] / STRONG**2
    assert after[0, 1] == before[0, 1] / STRONG
    assert after[1, 1] == before[1, 1]
    assert np.allclose(found.seen.moments["fc1.weight"].largest, wanted.largest, rtol=1e-4)
    # Costs come from probes at other steps.
    ratio = found.costs["fc1.weight"] / even.costs["fc1.weight"]
    assert 0.3 < ratio < 3
    assert found.costs["fc2.weight"] == uneven.costs["fc2.weight"]


def rendered(proto: onnx.ModelProto) -> ir.Model:
    """Integer products on fine grids, the first with DIVISORS."""
    weights = find_weights(ir.from_proto(proto), ()).weights
    even_weights(weights, DIVISORS)
    grids = make_grids(weights, dict.fromkeys(("fc1.weight", "fc2.weight"), 0.002), Seen({}, {}))
    grids["fc1.weight"] = structs.replace(grids["fc1.weight"], divisors=DIVISORS["fc1.weight"])
    return render(ir.from_proto(proto), Form("wasm", "integers"), (), grids).model


def test_render_divides_inputs_and_gives_what_the_model_gives(tmp_path: Path) -> None:
    proto = wide_mlp()
    made = rendered(proto)
    assert operators(made)["MatMulInteger"] == 2
    (division,) = (
        node for node in made.graph if node.op_type == "Mul" and node.inputs[0].name == "x"
    )
    factors: Floats = division.inputs[1].const_value.numpy()
    assert factors.tolist() == [4, 2, *[1] * 30]
    error, largest = largest_error(proto, made, {"x": floats(0, 2, 32)}, tmp_path)
    assert error < 0.03 * largest


def test_render_divided_inputs_keep_products_in_one_kernel(tmp_path: Path) -> None:
    path = write_model(rendered(wide_mlp()), tmp_path)[0]
    options = ort.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    found = onnx.load(tmp_path / "optimized.onnx", load_external_data=False)
    assert sorted(node.op_type for node in found.graph.node) == [
        "DynamicQuantizeMatMul",
        "DynamicQuantizeMatMul",
        "Mul",
        "Relu",
    ]


def test_solve_evens_a_strong_input_in_place_of_floats(tmp_path: Path) -> None:
    solution = solved(tmp_path, uneven_samples(80), uneven_samples(40, seed=5))
    assert solution.met
    grid = solution.grids["fc1.weight"]
    assert not grid.in_floats
    assert grid.divisors[0] == 1
    assert float(grid.divisors[1:].max()) < 1
