from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnx_ir as ir
import pytest
from msgspec import structs

from modelpack.graph.entropy.grid import Basis, Grid, entropy_bits
from modelpack.graph.entropy.gridfile import read_grids, write_grids
from modelpack.graph.entropy.grids import Seen, make_grids
from modelpack.graph.entropy.rendering import Form, render
from modelpack.graph.recipes.weights import find_weights
from modelpack.spec.variants import Device
from tests.support import onnx_models
from tests.support.onnx_models import weights_like
from tests.support.recipes import floats, largest_error, lifted_if_net, operators
from tests.support.shaped import wide_mlp

NOT_SEEN = Seen({}, {})


def grids_of(proto: onnx.ModelProto, step: float) -> dict[str, Grid]:
    weights = find_weights(ir.from_proto(proto), ()).weights
    return make_grids(weights, {weight.name: step for weight in weights}, NOT_SEEN)


def test_render_wasm_integers_multiplies_integers() -> None:
    proto = wide_mlp()
    applied = render(ir.from_proto(proto), Form("wasm", "integers"), (), grids_of(proto, 0.1))
    assert operators(applied.model)["MatMulInteger"] == 2
    assert applied.scheme == "w8_entropy_a8_dyn"


@pytest.mark.parametrize(
    ("form", "operator"),
    [(Form("wasm", "floats"), "Mul"), (Form("webgpu", "floats"), "DequantizeLinear")],
    ids=["wasm", "webgpu"],
)
def test_render_floats_keeps_products(form: Form, operator: str, tmp_path: Path) -> None:
    proto = wide_mlp()
    applied = render(ir.from_proto(proto), form, (), grids_of(proto, 0.002))
    found = operators(applied.model)
    assert found["MatMul"] == found[operator] == 2
    assert applied.scheme == "w8_entropy"
    error, largest = largest_error(proto, applied.model, {"x": floats(0, 2, 32)}, tmp_path)
    assert error < 0.02 * largest  # steps of a hundredth of the weights' deviation


def test_render_look_ups_by_row() -> None:
    proto = onnx_models.embedding_net()
    applied = render(ir.from_proto(proto), Form("wasm", "floats"), (), grids_of(proto, 0.1))
    assert applied.scheme == "w8_entropy_row"


def test_render_excluded_and_unknown_weights_stay(tmp_path: Path) -> None:
    proto = wide_mlp()
    grids = grids_of(proto, 0.1)
    applied = render(ir.from_proto(proto), Form("wasm", "floats"), ("/fc1/MatMul",), grids)
    assert [narrowed.name for narrowed in applied.narrowed] == ["fc2.weight"]
    assert applied.notes == ("fc1.weight (8.19 kB) stays float32: nodes_to_exclude names a reader",)
    del grids["fc2.weight"]
    applied = render(ir.from_proto(proto), Form("wasm", "floats"), (), grids)
    assert [narrowed.name for narrowed in applied.narrowed] == ["fc1.weight"]


def test_render_weights_of_branches() -> None:
    proto = lifted_if_net()
    applied = render(ir.from_proto(proto), Form("wasm", "integers"), (), grids_of(proto, 0.1))
    assert len(applied.narrowed) == 2


def test_grid_file_gives_back_what_was_written(tmp_path: Path) -> None:
    grids = grids_of(wide_mlp(), 0.1)
    path = write_grids(tmp_path / "grids.npz", "integers", grids)
    products, found = read_grids(path)
    assert products == "integers"
    assert sorted(found) == ["fc1.weight", "fc2.weight"]
    for name, grid in grids.items():
        assert np.array_equal(found[name].integers, grid.integers)
        assert np.array_equal(found[name].steps, grid.steps)


def rotated_grid(rows: int) -> Grid:
    table = weights_like(0, rows, 32)
    basis = Basis(np.eye(32, dtype=np.int8) * 4, np.full(32, 0.25, np.float32), table.mean(axis=0))
    numbers = np.rint((table - basis.origin) / 0.001)
    return Grid(numbers.astype(np.int8), np.full(rows, 0.001, np.float32), basis=basis)


@pytest.mark.parametrize("device", ["wasm", "webgpu"])
def test_render_rotated_tables(device: Device, tmp_path: Path) -> None:
    proto, grid = onnx_models.embedding_net(), rotated_grid(100)
    applied = render(ir.from_proto(proto), Form(device, "floats"), (), {"table": grid})
    assert applied.scheme == "w8_entropy_rotated_row"
    assert "table" not in applied.model.graph.initializers
    wanted = onnx_models.embedding_net()
    wanted.graph.initializer[0].CopyFrom(onnx_models.tensor("table", grid.floats(0)))
    feed = {"ids": np.array([[0, 99, 7]])}
    error, largest = largest_error(wanted, applied.model, feed, tmp_path)
    assert error < 2**-11 * largest  # the bias takes half precision


def test_grid_file_keeps_the_basis(tmp_path: Path) -> None:
    grid = rotated_grid(100)
    _, found = read_grids(write_grids(tmp_path / "grids.npz", "floats", {"table": grid}))
    assert np.array_equal(found["table"].floats(0), grid.floats(0))
    assert found["table"].entropy_bytes == grid.entropy_bytes


def test_grid_file_keeps_divisors_and_products_of_floats(tmp_path: Path) -> None:
    grids = grids_of(wide_mlp(), 0.1)
    divisors = np.array([0.5, *[1] * 31], np.float32)
    first = structs.replace(grids["fc1.weight"], divisors=divisors)
    second = structs.replace(grids["fc2.weight"], in_floats=True)
    path = tmp_path / "grids.npz"
    write_grids(path, "integers", {"fc1.weight": first, "fc2.weight": second})
    _, found = read_grids(path)
    assert found["fc1.weight"].divisors.tolist() == divisors.tolist()
    assert found["fc2.weight"].divisors.size == 0
    assert [found[name].in_floats for name in ("fc1.weight", "fc2.weight")] == [False, True]


def test_entropy_bits_of_known_shares() -> None:
    assert entropy_bits(np.array([0, 0, 1, -1], np.int8)) == 1.5
    assert entropy_bits(np.zeros(5, np.int8)) == 0
