from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from msgspec.structs import replace
from onnx import TensorProto, helper

from modelpack.bench.packs import Feeds, encode_feeds
from modelpack.bench.trial.handover import Answer, Judging, RanNode
from modelpack.bench.trial.judging import judge_trial
from modelpack.errors import CompatibilityError
from tests.support.onnx_models import write

WASM, WEBGPU = "CPUExecutionProvider", "WebGpuExecutionProvider"
DONE = Answer("done", "", (RanNode("relu", "Relu", WEBGPU), RanNode("/last", "Sigmoid", WEBGPU)))


def judging(folder: Path, answer: Answer = DONE, factor: float = 1.0) -> Judging:
    """A trial of Relu, Shape and Sigmoid on WebGPU whose output was `factor` times the native one."""
    values = helper.make_tensor_value_info
    graph = helper.make_graph(
        [
            helper.make_node("Relu", ["x"], ["r"], "relu"),
            helper.make_node("Shape", ["r"], ["s"], "shape"),
            helper.make_node("Sigmoid", ["r"], ["y"], "/last"),
        ],
        "g",
        [values("x", TensorProto.FLOAT, [4])],
        [values("y", TensorProto.FLOAT, [4]), values("s", TensorProto.INT64, [1])],
    )
    opsets = [helper.make_opsetid("", 17)]
    path = write(helper.make_model(graph, opset_imports=opsets, ir_version=8), folder / "m.onnx")
    native = np.ones(4, np.float32)
    for name, output in (("expected", native), ("outputs", native * np.float32(factor))):
        (folder / name).mkdir()
        (folder / name / "0").write_bytes(encode_feeds(Feeds({}, ({"y": output},))))
    return Judging(
        "m@gpu",
        path,
        "webgpu",
        "1.30.0",
        "chromium 156",
        (),
        answer,
        1,
        folder / "expected",
        folder / "outputs",
    )


def refused(found: Judging) -> CompatibilityError:
    with pytest.raises(CompatibilityError) as caught:
        judge_trial(found)
    assert caught.value.code == "MP-E454"
    return caught.value


def test_trial_that_ran_as_natively_passes(tmp_path: Path) -> None:
    assert judge_trial(judging(tmp_path)) == ()


def test_trial_that_was_refused_names_the_node_and_the_remedy(tmp_path: Path) -> None:
    message = "Could not find an implementation for Sigmoid(13) node with name '/last'"
    err = refused(judging(tmp_path, Answer("session", message, ())))
    assert err.message == (
        'is refused at node "/last" (Sigmoid) by onnxruntime-web 1.30.0 (webgpu, chromium 156): '
        + message
    )
    assert err.remedy == (
        'use device = "wasm" or another dtype; another release of onnxruntime-web may have it'
    )


def test_trial_that_stopped_at_a_node_that_onnxruntime_made_names_that(tmp_path: Path) -> None:
    message = "while running FusedConv node. Name:'fused conv'"
    err = refused(judging(tmp_path, Answer("run", message, ())))
    assert err.message.startswith('stops at node "fused conv" (FusedConv) by onnxruntime-web')


def test_trial_that_was_refused_without_a_node_gives_the_message(tmp_path: Path) -> None:
    err = refused(judging(tmp_path, Answer("session", "std::bad_alloc", ())))
    assert err.message.startswith("is refused by onnxruntime-web 1.30.0")
    assert err.message.endswith(": std::bad_alloc")


def test_trial_whose_node_ran_on_the_processor_names_it(tmp_path: Path) -> None:
    answer = Answer(
        "done", "", (RanNode("relu", "Relu", WEBGPU), RanNode("/last", "Sigmoid", WASM))
    )
    err = refused(judging(tmp_path, answer))
    assert err.message.startswith('node "/last" (Sigmoid) silently ran on wasm, not on webgpu')
    assert 'accept_fallback = { "Sigmoid" = "…" }' in err.remedy


def test_trial_whose_fused_node_ran_on_the_processor_names_what_it_was_made_of(
    tmp_path: Path,
) -> None:
    err = refused(judging(tmp_path, Answer("done", "", (RanNode("fused relu", "Fused", WASM),))))
    assert err.message.startswith('node "relu" (Relu) silently ran on wasm')


@pytest.mark.parametrize(
    "node",
    [RanNode("shape", "Shape", WASM), RanNode("relu_output_0_cast", "Cast", WASM)],
    ids=["shapes", "what onnxruntime puts between"],
)
def test_trial_with_nodes_that_belong_on_the_processor_passes(
    tmp_path: Path, node: RanNode
) -> None:
    assert judge_trial(judging(tmp_path, Answer("done", "", (node,)))) == ()


def test_trial_with_an_accepted_fallback_passes(tmp_path: Path) -> None:
    answer = Answer("done", "", (RanNode("/last", "Sigmoid", WASM),))
    found = replace(judging(tmp_path, answer), accepted=(("/la*", "one node"),))
    assert judge_trial(found) == ()


def test_trial_without_a_profile_says_what_was_not_checked(tmp_path: Path) -> None:
    assert judge_trial(judging(tmp_path, Answer("done", "", ()))) == (
        "onnxruntime-web 1.30.0 gave no profile: where its nodes run was not checked",
    )


def test_trial_with_other_outputs_than_natively_names_them(tmp_path: Path) -> None:
    err = refused(judging(tmp_path, factor=2.0))
    assert err.message.startswith('output "y" differs by 100% in onnxruntime-web 1.30.0')
    assert "`modelpack bench m@gpu --only browser`" in err.remedy
