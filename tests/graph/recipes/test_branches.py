from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from modelpack.graph.recipes.applied import Applied
from modelpack.graph.recipes.fp16 import Trial, apply_fp16
from modelpack.graph.sessions import Array
from tests.support import onnx_models
from tests.support.branching import if_model, loop_model, lstm_in_branch, nested_model, scan_model
from tests.support.recipes import floats, initializers, largest_error

X = {"x": floats(0, 2, 32)}
TURNS = {**X, "turns": np.array(3)}
STEPS = {**X, "steps": floats(1, 4, 2, 32)}


def apply(
    proto: onnx.ModelProto, feeds: Mapping[str, Array], folder: Path, *excluded: str
) -> Applied:
    scratch = folder / "scratch"
    scratch.mkdir()
    source = onnx_models.write(proto, folder / "model.onnx")
    return apply_fp16(Trial(source, (dict(feeds),), scratch), "webgpu", excluded)


def halves(model: ir.Model) -> set[str]:
    """The names of the nodes that read float16, casts aside."""
    return {
        node.name or ""
        for node in model.graph.all_nodes()
        for value in node.inputs
        if node.op_type != "Cast" and value is not None and value.dtype == ir.DataType.FLOAT16
    }


@pytest.mark.parametrize(
    ("proto", "feeds", "computed"),
    [
        (loop_model(), TURNS, {"product", "tanh", "seen"}),
        (scan_model(), STEPS, {"sum", "product", "tanh", "seen"}),
    ],
    ids=["loop", "scan"],
)
def test_apply_fp16_computes_in_halves_inside_loops(
    proto: onnx.ModelProto, feeds: Mapping[str, Array], computed: set[str], tmp_path: Path
) -> None:
    applied = apply(proto, feeds, tmp_path)
    error, largest = largest_error(proto, applied.model, feeds, tmp_path)
    assert 0 < error < 5e-3 * largest  # a few roundings of 2^-11 each
    assert halves(applied.model) == computed
    assert applied.scheme == "fp16"
    assert applied.notes == ()
    assert initializers(applied.model)["square_fp16"] == ir.DataType.FLOAT16


@pytest.mark.parametrize("flag", [True, False])
def test_apply_fp16_overflow_in_a_branch_becomes_an_island(flag: bool, tmp_path: Path) -> None:
    """Either side is seen, whichever the inputs take."""
    feeds = {**X, "flag": np.array(flag)}
    applied = apply(if_model(), feeds, tmp_path)
    for side in (True, False):
        found = {**X, "flag": np.array(side)}
        error, largest = largest_error(if_model(), applied.model, found, tmp_path)
        assert 0 < error < 5e-3 * largest
    assert halves(applied.model) == {"then_product", "then_up", "else_product", "else_relu"}
    assert applied.scheme == "fp16_fp32_islands"
    assert applied.notes == (
        "2 nodes stay in float32, where float16 would overflow: then_far, then_down",
    )


def test_apply_fp16_branch_that_nothing_reaches_stays_float32(tmp_path: Path) -> None:
    """One turn only: the other side of the inner branch is never taken."""
    applied = apply(nested_model(), {**X, "turns": np.array(1)}, tmp_path)
    assert halves(applied.model) == {"near", "tanh"}
    assert applied.notes == (
        "3 nodes stay in float32, where no made-up input shows their values: up, far, back",
    )


def test_apply_fp16_values_of_all_turns_count(tmp_path: Path) -> None:
    """`far` leaves the range in the second and third turn."""
    applied = apply(nested_model(), TURNS, tmp_path)
    error, largest = largest_error(nested_model(), applied.model, TURNS, tmp_path)
    assert 0 < error < 5e-3 * largest
    assert halves(applied.model) == {"near", "tanh", "up"}
    assert applied.scheme == "fp16_fp32_islands"


def test_apply_fp16_excluded_node_in_a_branch_stays_float32(tmp_path: Path) -> None:
    feeds = {**X, "turns": np.array(1)}
    applied = apply(loop_model(), feeds, tmp_path, "tanh")
    assert halves(applied.model) == {"product", "seen"}


def test_apply_fp16_recurrence_in_a_branch_keeps_its_device(tmp_path: Path) -> None:
    """WebGPU has float32 recurrences alone: their weights are stored in float16 and widened."""
    feeds = {"x": floats(0, 5, 1, 8), "flag": np.array(True)}
    applied = apply(lstm_in_branch(), feeds, tmp_path)
    error, largest = largest_error(lstm_in_branch(), applied.model, feeds, tmp_path)
    assert 0 < error < 1e-3 * largest
    assert applied.scheme == "w16"
    assert applied.notes == (
        "stored in float16 but computed in float32: what reads its weights stays in it",
        "2 nodes stay in float32, which the device computes in float32 alone: 2 × LSTM",
    )
    assert initializers(applied.model)["lstm_R_fp16"] == ir.DataType.FLOAT16


def test_apply_fp16_weight_too_large_for_it_in_a_branch_stays(tmp_path: Path) -> None:
    proto = loop_model()
    weight = np.eye(32, dtype=np.float32)
    weight[0, 0] = 70000
    proto.graph.initializer[0].CopyFrom(onnx_models.tensor("square", weight))
    applied = apply(proto, {**X, "turns": np.array(1)}, tmp_path)
    assert initializers(applied.model)["square"] == ir.DataType.FLOAT
    assert "square stays float32: float16 cannot hold such numbers" in applied.notes
