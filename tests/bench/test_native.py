from __future__ import annotations

from pathlib import Path

import numpy as np
from onnx import helper

from modelpack.bench.effort import Effort
from modelpack.bench.native import NativeRequest, measure_native
from modelpack.bench.packs import Feeds, encode_feeds
from modelpack.spec.golden import StatePair
from tests.support.onnx_models import mlp, model, value, weights_like, write

EFFORT = Effort(visits=2, warmup=1, runs=4, seconds=0)


def put(folder: Path, *packs: Feeds) -> Path:
    for index, pack in enumerate(packs):
        (folder / str(index)).write_bytes(encode_feeds(pack))
    return folder


def test_measure_native_gives_times_and_operators_with_their_weights(tmp_path: Path) -> None:
    samples = put(tmp_path, *(Feeds({}, ({"x": weights_like(n, 1, 32)},)) for n in range(2)))
    graph = write(mlp(), tmp_path / "model.onnx")
    found = measure_native(NativeRequest(graph, samples, 2, (), 1, EFFORT, tmp_path))
    assert found.figures.inferences == 4
    assert 0 < found.figures.p50_s <= found.figures.p95_s <= found.figures.p99_s
    assert found.profile is not None
    assert sum(one.share for one in found.profile.operators) > 0.999
    assert sum(one.weight_bytes for one in found.profile.operators) == 4 * (
        32 * 64 + 64 + 64 * 10 + 10
    )
    assert {one.node for one in found.profile.nodes} >= {"/fc2/Gemm"}


def test_measure_native_carries_state_through_the_steps(tmp_path: Path) -> None:
    """The sum only stays finite while state begins anew with each sample."""
    nodes = [helper.make_node("Add", ["x", "state"], ["stateN"], "/add")]
    graph = write(
        model(nodes, [value("x", [1]), value("state", [1])], [value("stateN", [1])], []),
        tmp_path / "model.onnx",
    )
    step = {"x": np.ones(1, np.float32)}
    samples = put(tmp_path, Feeds({"state": np.zeros(1, np.float32)}, (step, step, step)))
    state = (StatePair("state", "stateN"),)
    found = measure_native(NativeRequest(graph, samples, 1, state, 1, EFFORT))
    assert (found.figures.inferences, found.profile) == (4, None)
