from __future__ import annotations

import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper

from modelpack.digest import digest_file
from modelpack.errors import StepError
from modelpack.graph.sessions import open_session, run_session
from modelpack.planned import QuantizeParams
from modelpack.spec.variants import Device, Dtype, Override, RecipeSettings
from modelpack.steps import quantize
from modelpack.steps.contract import StepOutput
from tests.support import onnx_models
from tests.support.onnx_models import tensor, value, weights_like
from tests.support.recipes import floats, lifted_if_net, one_node, two_layers
from tests.support.step_runs import measured, path_of, step_input


def run(
    proto: onnx.ModelProto, folder: Path, dtype: Dtype, device: Device = "wasm", *excluded: str
) -> StepOutput:
    source = onnx_models.write(proto, folder / "model.onnx")
    params = QuantizeParams(dtype, device, excluded, 32)
    return quantize.run(step_input(params, folder, model=source))


def test_run_fp32_copies_graph_and_data_as_they_are(tmp_path: Path) -> None:
    graph = onnx_models.write_external_model(tmp_path)
    data = tmp_path / "weights.bin"
    params = QuantizeParams("fp32", "wasm", (), 32)
    output = quantize.run(step_input(params, tmp_path, model=(graph, data)))
    assert [(file.role, file.path.name) for file in output.files] == [
        ("model", "model.onnx"),
        ("model", "weights.bin"),
        ("graph", "model.onnx"),
    ]
    assert [digest_file(file.path) for file in output.files[:2]] == [
        digest_file(graph),
        digest_file(data),
    ]
    assert measured(output) == {"scheme": "fp32", "quantizedBytes": 0, "quantizedTensors": 0}


def test_run_fp32_reads_nothing_into_memory(tmp_path: Path) -> None:
    graph, data = tmp_path / "model.onnx", tmp_path / "model.data"
    graph.write_bytes(b"whatever it is")
    with data.open("wb") as stream:
        stream.truncate(1 << 26)
    params = QuantizeParams("fp32", "wasm", (), 32)
    step = step_input(params, tmp_path, model=(graph, data))
    tracemalloc.start()
    quantize.run(step)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 22  # 64 MiB of data, blocks of a few hundred KiB


def test_run_q8_measures_what_was_narrowed(tmp_path: Path) -> None:
    output = run(onnx_models.mlp(), tmp_path, "q8")
    assert measured(output) == {
        "scheme": "w8_channel_a8_dyn",
        "quantizedBytes": 32 * 64 + 64 * 4,
        "quantizedTensors": 1,
    }
    assert output.notes == ()
    assert [(file.role, file.path.name) for file in output.files] == [
        ("model", "model.onnx"),
        ("graph", "model.onnx"),
    ]


def test_run_q8_result_agrees_in_onnxruntime(tmp_path: Path) -> None:
    output = run(onnx_models.embedding_net(), tmp_path, "q8")
    feeds = {"ids": np.array([[3, 99, 41]], np.int64)}
    expected = run_session(open_session(tmp_path / "model.onnx"), feeds)["embedding"]
    found = run_session(open_session(path_of(output, "model")), feeds)["embedding"]
    # One rounding of 1/254 of a row's largest for each number looked up.
    assert np.abs(np.subtract(expected, found)).max() < 0.01 * np.abs(np.asarray(expected)).max()


@pytest.mark.parametrize(
    ("dtype", "device", "scheme"),
    [
        ("fp16", "webgpu", "fp16"),
        ("fp16", "wasm", "w16"),
        ("q8", "webgpu", "w8_channel"),
        ("q4", "wasm", "w4_g32_sym"),
        ("q4", "webgpu", "w4_g32_sym"),
        ("q4f16", "webgpu", "fp16+w4_g32_sym"),
        ("int8", "webgpu", "w8_channel"),
        ("uint8", "wasm", "w8u_channel_a8_dyn"),
        ("uint8", "webgpu", "w8u_channel"),
        ("bnb4", "wasm", "w4_nf4_g32"),
    ],
)
def test_run_recipe_follows_dtype_and_device(
    dtype: Dtype, device: Device, scheme: str, tmp_path: Path
) -> None:
    assert measured(run(onnx_models.mlp(), tmp_path, dtype, device))["scheme"] == scheme


def test_run_q4f16_keeps_no_float32_and_agrees_with_q4(tmp_path: Path) -> None:
    (tmp_path / "four").mkdir()
    four = path_of(run(onnx_models.mlp(), tmp_path / "four", "q4", "webgpu"), "model")
    half = path_of(run(onnx_models.mlp(), tmp_path, "q4f16", "webgpu"), "model")
    kept = {each.name for each in onnx.load(half).graph.initializer if each.data_type == 1}
    assert not kept
    feeds = {"x": floats(0, 2, 32)}
    (expected,) = run_session(open_session(four), feeds).values()
    (found,) = run_session(open_session(half), feeds).values()
    assert np.allclose(expected, found, atol=0.02 * np.abs(np.asarray(expected)).max())


def test_run_q4f16_reaches_both_sides_of_a_branch(tmp_path: Path) -> None:
    output = run(lifted_if_net(), tmp_path, "q4f16", "webgpu")
    assert measured(output)["scheme"] == "w4_g32_sym"
    nodes = onnx.load(path_of(output, "model")).graph.node
    sides = [side for node in nodes for side in node.attribute if node.op_type == "If"]
    assert len(sides) == 2
    for side in sides:
        (product,) = (each for each in side.g.node if each.op_type == "MatMulNBits")
        assert product.input[0].endswith("_fp16")


def quantized_net(*, rest: int = 0) -> onnx.ModelProto:
    """`x` float32 [2, 32] → `y` [2, 64]: a QDQ product of int8 weights, then `rest` products of float32 ones."""
    shape = [2, 64]
    nodes = [
        helper.make_node("QuantizeLinear", ["x", "step", "zero"], ["xq"], "/quantize"),
        helper.make_node("DequantizeLinear", ["xq", "step", "zero"], ["xd"], "/input"),
        helper.make_node("DequantizeLinear", ["w", "step", "zero"], ["wd"], "/weight"),
        helper.make_node("MatMul", ["xd", "wd"], ["y" if not rest else "y0"], "/product"),
    ]
    weights = [
        tensor("w", floats(0, 32, 64).astype(np.int8)),
        tensor("step", np.array(0.05, np.float32)),
        tensor("zero", np.array(0, np.int8)),
    ]
    for index in range(rest):
        last = "y" if index == rest - 1 else f"y{index + 1}"
        nodes.append(helper.make_node("MatMul", [f"y{index}", f"m{index}"], [last], f"/{last}"))
        weights.append(tensor(f"m{index}", weights_like(index, 64, 64)))
    return onnx_models.model(nodes, [value("x", [2, 32])], [value("y", shape)], weights)


@pytest.mark.parametrize(("dtype", "device"), [("fp16", "webgpu"), ("q8", "wasm")])
def test_run_of_a_quantized_model_fails_and_says_that_it_is(
    dtype: Dtype, device: Device, tmp_path: Path
) -> None:
    with pytest.raises(StepError) as caught:
        run(quantized_net(), tmp_path, dtype, device)
    assert str(caught.value) == (
        f"MP-E450 dtype: {dtype} changes nothing in this model: its weights are integers already (2 DequantizeLinear, "
        '1 QuantizeLinear) — use dtype = "fp32", which publishes it as it is, or start from the model in floats'
    )


def test_run_fp16_of_a_half_quantized_model_narrows_the_rest(tmp_path: Path) -> None:
    output = run(quantized_net(rest=2), tmp_path, "fp16", "webgpu")
    assert measured(output)["scheme"] == "fp16"
    assert measured(output)["quantizedTensors"] == 2
    assert output.notes == (
        "1 node stays in float32, whose operators are not converted: QuantizeLinear",
    )
    agrees_with_source(output, tmp_path)


def agrees_with_source(output: StepOutput, folder: Path) -> None:
    feeds = {"x": floats(0, 2, 32)}
    (expected,) = run_session(open_session(folder / "model.onnx"), feeds).values()
    (found,) = run_session(open_session(path_of(output, "model")), feeds).values()
    assert np.allclose(expected, found, atol=5e-3 * np.abs(np.asarray(expected)).max())


def test_run_fp16_with_overrides_keeps_one_node_and_narrows_another(tmp_path: Path) -> None:
    overrides = (Override("/first", "q4", 32), Override("/relu", "fp32", 32))
    source = onnx_models.write(two_layers(), tmp_path / "model.onnx")
    params = QuantizeParams("fp16", "webgpu", (), 32, RecipeSettings(overrides=overrides))
    output = quantize.run(step_input(params, tmp_path, model=source))
    assert measured(output)["scheme"] == "fp16+w4_g32_sym"
    proto = onnx.load(path_of(output, "model"))
    (relu,) = (node for node in proto.graph.node if node.op_type == "Relu")
    casts = {
        node.output[0]: node.attribute[0].i for node in proto.graph.node if node.op_type == "Cast"
    }
    assert casts[relu.input[0]] == onnx.TensorProto.FLOAT
    feeds = {"x": floats(0, 2, 32)}
    (expected,) = run_session(open_session(source), feeds).values()
    (found,) = run_session(open_session(path_of(output, "model")), feeds).values()
    assert np.allclose(expected, found, atol=0.2 * np.abs(np.asarray(expected)).max())


def test_run_fp16_counts_a_weight_whose_name_begins_with_that_of_another(tmp_path: Path) -> None:
    model = two_layers()
    model.graph.initializer[1].name = model.graph.node[2].input[1] = "first_too"
    source = onnx_models.write(model, tmp_path / "model.onnx")
    settings = RecipeSettings(overrides=(Override("first", "q4", 32),))
    params = QuantizeParams("fp16", "webgpu", (), 32, settings)
    found = measured(quantize.run(step_input(params, tmp_path, model=source)))
    four_bits = 32 * 32 // 2 + 32 * 4
    assert (found["quantizedTensors"], found["quantizedBytes"]) == (2, four_bits + 32 * 32 * 2)


def test_run_fp16_with_a_filter_in_8_bits_computes_in_half_precision(tmp_path: Path) -> None:
    """Below opset 19 the filter's scales stay float32, which the converter does not know by itself."""
    settings = RecipeSettings(overrides=(Override("conv2.weight", "q8", 32),))
    source = onnx_models.write(onnx_models.conv_net(), tmp_path / "model.onnx")
    params = QuantizeParams("fp16", "webgpu", (), 32, settings)
    output = quantize.run(step_input(params, tmp_path, model=source))
    assert output.notes == ()
    assert measured(output)["scheme"] == "w8_channel+fp16"
    proto = onnx.load(path_of(output, "model"))
    kept = [each.name for each in proto.graph.initializer if each.data_type == 1]
    assert kept == ["conv2.weight_scale"]
    feeds = {"image": floats(0, 1, 1, 8, 8)}
    (expected,) = run_session(open_session(source), feeds).values()
    (found,) = run_session(open_session(path_of(output, "model")), feeds).values()
    assert np.allclose(expected, found, atol=0.02 * np.abs(np.asarray(expected)).max())


def test_run_q4_whose_weights_are_all_overridden_says_so(tmp_path: Path) -> None:
    settings = RecipeSettings(overrides=(Override("*", "fp16", 32),))
    source = onnx_models.write(two_layers(), tmp_path / "model.onnx")
    params = QuantizeParams("q4", "wasm", (), 32, settings)
    with pytest.raises(StepError, match=r"MP-E450 .* finds none that overrides, .* leave to it"):
        quantize.run(step_input(params, tmp_path, model=source))


def test_run_bnb4_without_products_fails_and_names_what_to_use(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r'MP-E450 dtype: bnb4 .* or use dtype = "q8"'):
        run(onnx_models.conv_net(), tmp_path, "bnb4")


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "q8"])
def test_run_webnn_with_open_sizes_fails_and_says_how_to_fix_them(
    dtype: Dtype, tmp_path: Path
) -> None:
    with pytest.raises(StepError) as caught:
        run(onnx_models.mlp(), tmp_path, dtype, "webnn")
    assert str(caught.value) == (
        "MP-E451 device: webnn runs graphs of fixed sizes, and x leaves batch open — "
        "fix them: free_dimensions = { batch = 1 }"
    )


@pytest.mark.parametrize(("dtype", "scheme"), [("fp16", "fp16"), ("q8", "w8_channel")])
def test_run_webnn_with_fixed_sizes(dtype: Dtype, scheme: str, tmp_path: Path) -> None:
    output = run(two_layers(), tmp_path, dtype, "webnn")
    assert measured(output)["scheme"] == scheme
    found = {node.op_type for node in onnx.load(path_of(output, "model")).graph.node}
    assert not found & {"MatMulInteger", "DynamicQuantizeLinear"}


def test_run_leaves_nothing_but_the_model(tmp_path: Path) -> None:
    output = run(onnx_models.mlp(), tmp_path, "fp16", "webgpu")
    path = path_of(output, "model")
    assert list(path.parent.iterdir()) == [path]


def test_run_q4_without_products_fails_and_names_what_to_use(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        run(onnx_models.conv_net(), tmp_path, "q4")
    assert str(caught.value) == (
        "MP-E450 dtype: q4 changes nothing in this model: it narrows products and look-ups with "
        "float32 weights of 1024 numbers or more, and finds none — "
        'remove the q4 variant, or use dtype = "q8"'
    )


@pytest.mark.parametrize("dtype", ["q8", "q4"])
def test_run_everything_excluded_fails_and_says_so(dtype: Dtype, tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r"MP-E450 .* stays float32: nodes_to_exclude"):
        run(onnx_models.mlp(), tmp_path, dtype, "wasm", "/fc*")


def test_run_small_model_fp16_on_wasm_fails(tmp_path: Path) -> None:
    proto = one_node("MatMul", [2, 8], weights_like(0, 8, 8), [2, 8])
    with pytest.raises(StepError, match="MP-E450 dtype: fp16 changes nothing in this model"):
        run(proto, tmp_path, "fp16")


def test_run_excluded_node_keeps_its_weight(tmp_path: Path) -> None:
    output = run(lifted_if_net(), tmp_path, "q8", "wasm", "/then/*")
    assert measured(output)["quantizedTensors"] == 1
    assert output.notes == ("then.weight (8.19 kB) stays float32: nodes_to_exclude names a reader",)


def test_run_glob_that_matches_nothing_fails(tmp_path: Path) -> None:
    with pytest.raises(StepError, match=r'MP-E451 nodes_to_exclude: "/fc3\*" matches none'):
        run(onnx_models.mlp(), tmp_path, "q8", "wasm", "/fc3*")


def test_run_model_no_guess_runs_in_is_narrowed_with_a_note(tmp_path: Path) -> None:
    """The product wants 1000 numbers, and the input's size is open: none of the guesses fits."""
    proto = one_node("MatMul", [1, 1000], weights_like(0, 1000, 8), [1, 8])
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "width"
    output = run(proto, tmp_path, "q8")
    assert measured(output)["scheme"] == "w8_channel_a8_dyn"
    assert output.notes == ("no made-up inputs run in the model: the result was not run",)


def test_run_result_that_is_not_finite_fails(tmp_path: Path) -> None:
    """The second column is far below a step of the first's grid: rounded to zero by row, its reciprocal is infinite."""
    table = np.full((2, 512), 1e-6, np.float32)
    table[:, 0] = 1
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"], "/gather"),
        helper.make_node("Reciprocal", ["rows"], ["y"], "/reciprocal"),
    ]
    inputs = [value("ids", [1], onnx.TensorProto.INT64)]
    proto = onnx_models.model(nodes, inputs, [value("y", [1, 512])], [tensor("table", table)])
    with pytest.raises(StepError, match="MP-E451 the result gives values that are not finite"):
        run(proto, tmp_path, "q8")


@pytest.mark.parametrize("dtype", ["fp16", "q8", "q4"])
def test_run_same_input_gives_same_bytes_under_any_hash_seed(dtype: Dtype, tmp_path: Path) -> None:
    source = onnx_models.write(onnx_models.mlp(), tmp_path / "model.onnx")
    program = (
        "import sys; from pathlib import Path\n"
        "from modelpack.planned import QuantizeParams\n"
        "from modelpack.steps.contract import InputFiles, StepInput\n"
        "from modelpack.steps.quantize import run\n"
        "dtype, source, folder = sys.argv[1:]\n"
        "params = QuantizeParams(dtype, 'webgpu', (), 32)\n"
        "run(StepInput(params, (InputFiles('model', (Path(source),)),), Path(folder)))\n"
    )
    digests = set()
    for seed in ("1", "2"):
        folder = tmp_path / seed
        folder.mkdir()
        subprocess.run(
            [sys.executable, "-c", program, dtype, str(source), str(folder)],
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )
        digests.add(digest_file(folder / "model.onnx"))
    assert len(digests) == 1


def test_run_names_of_inputs_and_outputs_stay(tmp_path: Path) -> None:
    for dtype in ("fp16", "q8", "q4"):
        (tmp_path / dtype).mkdir()
        output = run(onnx_models.mlp(), tmp_path / dtype, dtype, "webgpu")
        session = open_session(path_of(output, "model"))
        assert [(each.name, each.type) for each in session.get_inputs()] == [("x", "tensor(float)")]
        assert [each.name for each in session.get_outputs()] == ["logits"]
        assert session.run(None, {"x": floats(0, 5, 32)})[0].shape == (5, 10)


@pytest.mark.parametrize("dtype", ["fp32", "q8", "fp16"])
def test_run_for_webgpu_pads_channels_that_it_would_mix_up(dtype: Dtype, tmp_path: Path) -> None:
    proto = onnx_models.odd_channels_net()
    output = run(proto, tmp_path, dtype, "webgpu")
    made = onnx.load(path_of(output, "model"))
    assert [node.op_type for node in made.graph.node].count("Pad") == 2
    assert output.notes == (
        "channels of zeros added where WebGPU would compute a filter wrongly: /conv",
    )
    feeds = {"x": floats(3, 1, 129, 4)}
    expected = run_session(open_session(tmp_path / "model.onnx"), feeds)["y"]
    found = run_session(open_session(path_of(output, "model")), feeds)["y"]
    assert np.abs(found - expected).max() < 0.02 * np.abs(expected).max()


def test_run_for_wasm_leaves_channels_alone(tmp_path: Path) -> None:
    proto = onnx_models.odd_channels_net()
    output = run(proto, tmp_path, "fp32", "wasm")
    assert (output.notes, path_of(output, "model").read_bytes()) == ((), proto.SerializeToString())
