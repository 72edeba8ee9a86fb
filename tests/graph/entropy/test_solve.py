from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from modelpack.graph.entropy.measuring import measure
from modelpack.graph.entropy.rendering import Form, Products
from modelpack.graph.entropy.solve import (
    MOST_ATTEMPTS,
    Attempt,
    Request,
    Solution,
    next_scale,
    prepare,
    solve,
)
from modelpack.spec.limits import Target
from tests.support import onnx_models
from tests.support.cores import needs_affinity, one_core
from tests.support.shaped import mlp_samples, wide_mlp


def solved(folder: Path, cosine: float, products: Products = "floats") -> Solution:
    source = onnx_models.write(wide_mlp(), folder / "model.onnx")
    statistics = measure(source, mlp_samples(120), ())
    targets = (Target("cosine", cosine),)
    request = Request(source, Form("wasm", products), (), (), targets)
    return solve(request, prepare(request, statistics, mlp_samples(40, seed=5)))


def test_solve_meets_the_limit_and_is_not_finer_than_needed(tmp_path: Path) -> None:
    solution = solved(tmp_path, 0.995)
    assert solution.met
    assert solution.best.load > 0.9
    assert len(solution.attempts) <= MOST_ATTEMPTS
    assert solution.best in solution.attempts


def test_solve_looser_limit_takes_fewer_bytes(tmp_path: Path) -> None:
    loose, strict = solved(tmp_path, 0.97), solved(tmp_path, 0.999)
    assert loose.best.entropy_bytes < 0.8 * strict.best.entropy_bytes


def test_solve_is_the_same_again(tmp_path: Path) -> None:
    assert solved(tmp_path, 0.99).attempts == solved(tmp_path, 0.99).attempts


@needs_affinity
def test_solve_is_the_same_on_one_core(tmp_path: Path) -> None:
    usual = solved(tmp_path, 0.99)
    with one_core():
        alone = solved(tmp_path, 0.99)
    assert alone.attempts == usual.attempts
    for name, grid in usual.grids.items():
        assert np.array_equal(alone.grids[name].integers, grid.integers)


def test_solve_limit_that_no_grid_keeps_is_not_met(tmp_path: Path) -> None:
    solution = solved(tmp_path, 0.9999999, "integers")
    assert not solution.met
    assert solution.best.load == min(attempt.load for attempt in solution.attempts)


def test_next_scale_moves_by_what_the_load_says() -> None:
    assert next_scale([Attempt(-10, 4.0, (), 1)]) == pytest.approx(-12.0109, abs=1e-4)
    assert next_scale([Attempt(-10, 0.25, (), 1)]) == pytest.approx(-8.0109, abs=1e-4)


def test_next_scale_lies_between_attempts_on_both_sides() -> None:
    scale = next_scale([Attempt(-10, 2.0, (), 1), Attempt(-12, 0.5, (), 1)])
    assert scale is not None
    assert -11.2 < scale < -11


def test_next_scale_of_attempts_close_together_ends() -> None:
    assert next_scale([Attempt(-10, 1.01, (), 1), Attempt(-10.005, 0.9, (), 1)]) is None


def test_next_scale_ends_where_finer_grids_stop_helping() -> None:
    loads = (3.0, 1.5, 1.49, 1.48)
    tried = [Attempt(-10 - number, load, (), number) for number, load in enumerate(loads)]
    assert next_scale(tried) is None
    assert next_scale(tried[:3]) is not None


def test_next_scale_leaps_where_a_small_move_changed_nothing() -> None:
    tried = [Attempt(-10, 1.01, (), 1), Attempt(-10.04, 1.01, (), 1)]
    scale = next_scale(tried)
    assert scale is not None
    assert scale < -10.25


def test_next_scale_strides_over_a_plateau() -> None:
    scale = next_scale([Attempt(-10, 2.5, (), 1), Attempt(-11.35, 2.4, (), 2)])
    assert scale == pytest.approx(-11.35 - math.log2(2.4) - 0.0109 - 1, abs=1e-4)


def test_next_scale_ends_at_the_coarsest_grids() -> None:
    assert next_scale([Attempt(-4, 0.1, (), 1), Attempt(0, 0.1, (), 1)]) is None
