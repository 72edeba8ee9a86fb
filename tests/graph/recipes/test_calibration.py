from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from modelpack.graph.golden.samples import Sample
from modelpack.graph.recipes.calibration import read_ranges, write_ranges
from tests.support import onnx_models
from tests.support.calibrated import ranges_of
from tests.support.onnx_models import value
from tests.support.recipes import lifted_if_net, one_node, two_layers


def rows(*values: float, width: int = 32) -> tuple[Sample, ...]:
    """Samples for `two_layers`: two rows of one value each."""
    return tuple(
        Sample(number, {"x": np.full((2, width), each, np.float32)})
        for number, each in enumerate(values)
    )


def test_calibrate_minmax_keeps_the_least_and_the_largest(tmp_path: Path) -> None:
    found = ranges_of(two_layers(), rows(-1.5, 0.5, 3.0), tmp_path)
    assert found["x"] == (-1.5, 3.0)
    assert found["b"][0] == 0.0  # what Relu gives
    assert list(found) == ["a", "b", "x", "y"]


def test_calibrate_percentile_cuts_off_what_is_rare(tmp_path: Path) -> None:
    samples = list(rows(*[number / 5000 for number in range(5000)]))
    samples[7].feeds["x"][0, 0] = 50  # one number of 320,000
    found = ranges_of(two_layers(), samples, tmp_path, "percentile")
    assert found["x"][1] < 1.1


def test_calibrate_entropy_stays_within_what_was_seen(tmp_path: Path) -> None:
    samples = rows(*np.linspace(-1, 3, 50).tolist())
    low, high = ranges_of(two_layers(), samples, tmp_path, "entropy")["x"]
    assert -3 <= low <= 0
    assert 2 < high <= 3


def test_calibrate_lengths_may_vary(tmp_path: Path) -> None:
    """onnxruntime's histograms take no arrays of different shapes at once."""
    proto = onnx_models.mlp()
    samples = [Sample(n, {"x": np.full((n + 1, 32), n, np.float32)}) for n in range(3)]
    for method in ("entropy", "percentile"):
        assert "x" in ranges_of(proto, samples, tmp_path, method)  # type: ignore[arg-type]  # of a literal tuple


def test_calibrate_values_inside_branches_have_none(tmp_path: Path) -> None:
    feeds = {"x": np.ones((1, 32), np.float32), "flag": np.array(True)}
    assert ranges_of(lifted_if_net(), [Sample(0, feeds)], tmp_path) == {}


def test_ranges_that_are_not_finite_are_not_written(tmp_path: Path) -> None:
    path = write_ranges(tmp_path / "r.json", {"a": (-1.0, 2.5), "b": (float("-inf"), 0.0)})
    assert path.read_bytes() == b'{"a":[-1.0,2.5]}'
    assert read_ranges(path) == {"a": (-1.0, 2.5)}


@pytest.mark.parametrize("operator", ["Softmax", "Exp"])
def test_calibrate_looks_at_nothing_else_than_products_and_their_neighbours(
    operator: str, tmp_path: Path
) -> None:
    proto = one_node("MatMul", [2, 32], np.ones((32, 32), np.float32), [2, 32])
    proto.graph.node.append(helper.make_node(operator, ["y"], ["z"], "/after"))
    proto.graph.output.append(value("z", [2, 32]))
    assert list(ranges_of(proto, rows(1.0), tmp_path)) == ["x", "y"]
