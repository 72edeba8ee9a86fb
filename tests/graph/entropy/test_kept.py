from __future__ import annotations

import numpy as np

from modelpack.graph.entropy.curvature import Curvature
from modelpack.graph.entropy.kept import kept_in_floats
from tests.support.shaped import weight_of, wide_mlp

WEIGHTS = tuple(weight_of(wide_mlp(), name) for name in ("fc1.weight", "fc2.weight"))  # 2048, 4096


def curvature(first: float, second: float) -> dict[str, Curvature]:
    nothing = np.zeros((0, 0))
    return {
        "fc1.weight": Curvature(nothing, nothing, first),
        "fc2.weight": Curvature(nothing, nothing, second),
    }


def test_kept_none_where_rounding_of_inputs_costs_little() -> None:
    assert kept_in_floats(WEIGHTS, curvature(0.0005, 0.0005), 0.02) == frozenset()


def test_kept_the_costliest_product() -> None:
    assert kept_in_floats(WEIGHTS, curvature(0.01, 0.001), 0.02) == {"fc1.weight"}


def test_kept_never_more_than_a_third_of_the_multiplications() -> None:
    assert kept_in_floats(WEIGHTS, curvature(0.001, 0.9), 0.02) == {"fc1.weight"}


def test_kept_weights_without_gradient_multiply_integers() -> None:
    assert kept_in_floats(WEIGHTS, {}, 0.02) == frozenset()
