from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest

from modelpack.graph.compatibility.table import shipped_table
from modelpack.graph.recipes.element_types import ElementTypes, float_values
from modelpack.graph.recipes.watched import NOT_SEEN, magnitudes
from modelpack.graph.sessions import Array
from tests.support import onnx_models
from tests.support.branching import if_model, loop_model, nested_model, scan_model
from tests.support.onnx_models import value

ONES = {"x": np.ones((2, 32), np.float32)}


def watched(proto: onnx.ModelProto, feeds: Mapping[str, Array], folder: Path) -> dict[str, float]:
    """The magnitude of each float32 value by its name."""
    source = onnx_models.write(proto, folder / "model.onnx")
    model = ir.load(source)
    values = float_values(model, ElementTypes(model, shipped_table()))
    found = magnitudes(source, (dict(feeds),), folder / "watched")
    return {value.name or "": each for value, each in zip(values, found, strict=True)}


def test_magnitudes_sees_both_sides_of_a_branch(tmp_path: Path) -> None:
    found = watched(if_model(), {**ONES, "flag": np.array(True)}, tmp_path)
    assert found["x"] == 1
    assert found["b"] == pytest.approx(1000 * found["a"])
    assert found["c"] == pytest.approx(1e6 * found["a"])
    assert found["d"] == pytest.approx(found["a"])


def test_magnitudes_takes_the_largest_of_all_turns(tmp_path: Path) -> None:
    """Ones are carried into the first turn; a tanh keeps the later ones below."""
    found = watched(loop_model(), {**ONES, "turns": np.array(4)}, tmp_path)
    assert found["carried"] == 1
    assert 0 < found["next"] < 1
    assert found["seen"] == found["next"]


def test_magnitudes_without_turns_sees_nothing_inside(tmp_path: Path) -> None:
    found = watched(loop_model(), {**ONES, "turns": np.array(0)}, tmp_path)
    assert found["next"] == NOT_SEEN
    assert found["y"] == 1


def test_magnitudes_of_a_scan(tmp_path: Path) -> None:
    steps = np.zeros((3, 2, 32), np.float32)
    steps[1] = -7
    found = watched(scan_model(), {**ONES, "steps": steps}, tmp_path)
    assert found["given"] == 7
    assert 6 < found["a"] <= 8


@pytest.mark.parametrize(("turns", "is_seen"), [(1, False), (2, True)])
def test_magnitudes_of_a_branch_in_a_loop(turns: int, is_seen: bool, tmp_path: Path) -> None:
    found = watched(nested_model(), {**ONES, "turns": np.array(turns)}, tmp_path)
    assert (found["c"] != NOT_SEEN) == is_seen
    assert found["a"] > 0


def test_magnitudes_leaves_out_infinities_and_nan(tmp_path: Path) -> None:
    node = onnx.helper.make_node("Log", ["x"], ["y"], "/log")
    proto = onnx_models.model([node], [value("x", [3])], [value("y", [3])], [])
    found = watched(proto, {"x": np.array([0, -1, 1], np.float32)}, tmp_path)
    assert found == {"x": 1, "y": 0}


def test_magnitudes_leaves_out_outputs_that_are_not_there(tmp_path: Path) -> None:
    """The recurrence gives no cell state: its third output has no name."""
    feeds = {"x": np.ones((5, 1, 8), np.float32), "state": np.ones((1, 1, 16), np.float32)}
    found = watched(onnx_models.lstm_net(), feeds, tmp_path)
    assert set(found) == {"x", "state", "y", "stateN"}
    assert 0 < found["y"] < 1
