from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.entropy.allocation import (
    allocate,
    make_curves,
    predicted_bytes,
    predicted_error,
)
from tests.support.shaped import weight_of, wide_mlp

WEIGHTS = tuple(weight_of(wide_mlp(), name) for name in ("fc1.weight", "fc2.weight"))


def test_allocate_larger_scale_is_coarser_cheaper_and_worse() -> None:
    curves = make_curves(WEIGHTS, {"fc1.weight": 1.0, "fc2.weight": 1.0})
    fine, coarse = allocate(curves, -14.0), allocate(curves, -10.0)
    assert all(fine[name] < coarse[name] for name in fine)
    assert predicted_error(curves, fine) < predicted_error(curves, coarse)
    assert predicted_bytes(curves, fine) > predicted_bytes(curves, coarse)


def test_allocate_many_bits_follows_the_closed_form() -> None:
    costs = {"fc1.weight": 1.0, "fc2.weight": 8.0}
    steps = allocate(make_curves(WEIGHTS, costs), -16.0)
    # step² ∝ count / cost: (2048 / 1) / (4096 / 8) = 4; candidates lie 2^(1/32) apart, entropies are of samples.
    assert (steps["fc1.weight"] / steps["fc2.weight"]) ** 2 == pytest.approx(4, rel=0.15)


def test_allocate_no_scale_is_worse_than_its_neighbours_at_equal_error() -> None:
    costs = {"fc1.weight": 1.0, "fc2.weight": 8.0}
    curves = make_curves(WEIGHTS, costs)
    steps = allocate(curves, -13.0)
    best = predicted_bytes(curves, steps)
    error = predicted_error(curves, steps)
    for ratio in (0.8, 1.25):
        first = steps["fc1.weight"] * ratio
        second = float(np.sqrt((error - first**2) / 8))
        assert predicted_bytes(curves, {"fc1.weight": first, "fc2.weight": second}) >= best * 0.999


def test_make_curves_weight_of_zeros_takes_no_bits() -> None:
    proto = wide_mlp()
    proto.graph.initializer[0].raw_data = bytes(4 * 32 * 64)
    (curve,) = make_curves((weight_of(proto, "fc1.weight"),), {"fc1.weight": 1.0})
    assert curve.bits.max() == 0
