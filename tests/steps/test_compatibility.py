from __future__ import annotations

from pathlib import Path

import msgspec
import onnx
import pytest
from onnx import TensorProto, helper

from modelpack.compatible import AcceptedFallback, Compatibility
from modelpack.errors import CompatibilityError
from modelpack.planned import CompatibilityParams
from modelpack.steps.compatibility import run
from modelpack.steps.contract import StepOutput
from tests.support import onnx_models
from tests.support.steps import step_input


def check(model: onnx.ModelProto, folder: Path, params: CompatibilityParams) -> StepOutput:
    path = onnx_models.write(model, folder / "model.onnx")
    return run(step_input(params, folder, graph=path))


def result(output: StepOutput) -> Compatibility:
    return msgspec.json.decode(output.files[0].path.read_bytes(), type=Compatibility)


def boxes() -> onnx.ModelProto:
    """A net that ends in an operator that WebGPU has not."""
    values = helper.make_tensor_value_info
    made = helper.make_graph(
        [
            helper.make_node("Relu", ["boxes"], ["positive"], "relu"),
            helper.make_node("NonMaxSuppression", ["positive", "scores"], ["kept"], "/head/nms"),
        ],
        "g",
        [
            values("boxes", TensorProto.FLOAT, [1, 9, 4]),
            values("scores", TensorProto.FLOAT, [1, 2, 9]),
        ],
        [values("kept", TensorProto.INT64, [None, 3])],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])


def test_compatibility_of_a_known_release_says_what_runs_where(tmp_path: Path) -> None:
    output = check(onnx_models.mlp(), tmp_path, CompatibilityParams("webgpu", "1.30.0"))
    assert output.notes == ()
    nodes = len(onnx_models.mlp().graph.node)
    evidence = "ort-wasm-simd-threaded.asyncify, tried"
    assert result(output) == Compatibility("1.30.0", evidence, (), nodes, 0)


def test_compatibility_node_that_falls_back_fails_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompatibilityError) as caught:
        check(boxes(), tmp_path, CompatibilityParams("webgpu", "1.30.0"))
    assert caught.value.exit_code == 4
    assert str(caught.value) == (
        'MP-E453 node "/head/nms" (NonMaxSuppression of opset 11) falls back from webgpu to wasm in '
        'onnxruntime-web 1.30.0 — use device = "wasm" or another dtype; or accept it and say why: '
        'accept_fallback = { "NonMaxSuppression" = "…" }'
    )


@pytest.mark.parametrize("pattern", ["NonMaxSuppression", "/head/*"])
def test_compatibility_accepted_fallback_is_kept_with_its_reason(
    tmp_path: Path, pattern: str
) -> None:
    params = CompatibilityParams("webgpu", "1.30.0", ((pattern, "once per picture"),))
    output = check(boxes(), tmp_path, params)
    found = result(output)
    assert found.accepted == (
        AcceptedFallback("/head/nms", "NonMaxSuppression", "once per picture"),
    )
    assert (found.on_device, found.on_processor) == (1, 1)
    assert output.notes == (
        "falls back from webgpu to wasm, as accepted: NonMaxSuppression (once per picture)",
    )


def test_compatibility_node_without_any_kernel_cannot_be_accepted(tmp_path: Path) -> None:
    model = boxes()
    model.graph.node[0].op_type = "StringNormalizer"
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.STRING
    params = CompatibilityParams("webgpu", "1.30.0", (("*", "whatever"),))
    with pytest.raises(
        CompatibilityError, match=r'"relu" \(StringNormalizer .* does not run on webgpu'
    ):
        check(model, tmp_path, params)


def test_compatibility_without_a_release_goes_by_the_newest_and_says_so(tmp_path: Path) -> None:
    output = check(onnx_models.mlp(), tmp_path, CompatibilityParams("wasm", ""))
    assert result(output).release == "1.30.0"
    assert output.notes == (
        "onnxruntime-web, which runs models in the page, is not in node_modules: checked against its release 1.30.0; install the one that your page uses, and that one is checked",
    )


def test_compatibility_with_a_release_newer_than_the_table_warns_and_guesses_nothing(
    tmp_path: Path,
) -> None:
    output = check(boxes(), tmp_path, CompatibilityParams("webgpu", "9.1.0"))
    assert result(output) == Compatibility("9.1.0", "", (), 0, 0)
    (note,) = output.notes
    assert note.startswith("onnxruntime-web 9.1.0 is not among the releases that modelpack knows")


def test_compatibility_opset_that_the_release_does_not_read_fails(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    model.opset_import[0].version = 27
    with pytest.raises(
        CompatibilityError, match=r"opset 27; onnxruntime-web 1\.30\.0 runs 7 to 26"
    ):
        check(model, tmp_path, CompatibilityParams("wasm", "1.30.0"))


def test_compatibility_operator_that_no_trial_tells_of_is_noted(tmp_path: Path) -> None:
    model = onnx_models.mlp()
    model.graph.node.append(
        helper.make_node("ConcatFromSequence", ["missing"], ["extra"], "odd", axis=0)
    )
    output = check(model, tmp_path, CompatibilityParams("wasm", "1.30.0"))
    assert output.notes == ("no table says whether wasm runs ConcatFromSequence",)
