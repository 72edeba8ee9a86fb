from __future__ import annotations

import numpy as np
import pytest

from modelpack.graph.entropy.targets import loads_of
from modelpack.graph.metrics.case import Case
from modelpack.spec.limits import Target


def cases(*pairs: tuple[list[float], list[float]]) -> list[Case]:
    return [
        Case({"y": np.array(row, np.float32)}, {"y": np.array(found, np.float32)}, {})
        for row, found in pairs
    ]


EQUAL = cases(([1, 0], [1, 0]), ([0, 1], [0, 1]), ([1, 0], [1, 0]), ([0, 1], [0, 1]))
TURNED = cases(([1, 0], [0.8, 0.6]), ([0, 1], [0, 1]), ([1, 0], [0.8, 0.6]), ([0, 1], [0, 1]))


def load_of(targets: tuple[Target, ...], found: tuple[Case, ...]) -> tuple[float, dict[str, float]]:
    """The largest load, and the figures."""
    loads, figures = loads_of(targets, found)
    assert set(loads) == set(figures) == {target.metric for target in targets}
    return max(loads.values()), figures


def test_load_of_equal_outputs_is_nothing() -> None:
    assert load_of((Target("cosine", 0.99),), EQUAL) == (0.0, {"cosine": 1.0})


def test_load_of_cosine_has_a_margin_for_few_samples() -> None:
    load, figures = load_of((Target("cosine", 0.5),), TURNED)
    assert figures["cosine"] == pytest.approx(0.9)
    # Error 0.1 plus 1.64 standard errors (0.1155 / 2), of 0.5 allowed.
    assert load == pytest.approx((0.1 + 1.64 * 0.11547 / 2) / 0.5, rel=1e-4)


def test_load_of_several_limits_is_the_largest() -> None:
    targets = (Target("cosine", 0.5), Target("max_abs_error", 0.1))
    load, figures = load_of(targets, TURNED)
    assert figures["max_abs_error"] == pytest.approx(0.6)
    assert load == pytest.approx(6.6)


def test_load_of_a_limit_that_allows_nothing_is_infinite() -> None:
    assert load_of((Target("top1_agreement", 1),), EQUAL)[0] == 0
    assert load_of((Target("cosine", 1),), TURNED)[0] == float("inf")


def test_load_of_noise_in_decibels_is_a_ratio_of_powers() -> None:
    halves = cases(([1, 1], [1.1, 1.1]), ([1, 1], [1.1, 1.1]))
    # 20 dB of signal to noise, where 23 are asked for: twice the noise.
    assert load_of((Target("sqnr", 23),), halves)[0] == pytest.approx(10**0.3, rel=1e-4)


def test_load_of_a_metric_of_truth_starts_from_the_models_own() -> None:
    label = np.array(0)
    rows = [([1.0, 0.0], [1.0, 0.0])] * 8 + [([0.0, 1.0], [0.0, 1.0])] * 2
    found = [Case(case.expected, case.found, {}, label) for case in cases(*rows)]
    # The model itself gets 8 of 10: as much as is asked for, and nothing lost.
    load, figures = load_of((Target("accuracy", 0.7),), found)
    assert (load, figures["accuracy"]) == (0.0, pytest.approx(0.8))
    assert load_of((Target("accuracy", 0.9),), found)[0] == float("inf")
