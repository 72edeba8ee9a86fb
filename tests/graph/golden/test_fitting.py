from __future__ import annotations

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.fitting import check_names, check_sample, describe, with_sizes
from modelpack.record import ValueFacts
from tests.support.golden_sets import IDS, IMAGE, MASK, sample


def image(*shape: int, dtype: str = "float32") -> dict[str, np.ndarray]:
    return {"image": np.zeros(shape, dtype)}


def test_check_sample_that_fits_is_silent() -> None:
    check_sample([IMAGE], sample(0, **image(1, 3, 4, 4)), "s.npz")


@pytest.mark.parametrize(
    ("feeds", "found"),
    [
        (image(1, 3, 4, 4, dtype="float64"), "float64 [1, 3, 4, 4]"),
        (image(3, 4, 4), "float32 [3, 4, 4]"),
        (image(1, 3, 4, 5), "float32 [1, 3, 4, 5]"),
    ],
    ids=["type", "rank", "size"],
)
def test_check_sample_shows_expected_beside_found(feeds: dict[str, np.ndarray], found: str) -> None:
    with pytest.raises(StepError) as caught:
        check_sample([IMAGE], sample(5, **feeds), "s.npz")
    assert caught.value.code == "MP-E502"
    assert caught.value.where == "s.npz sample 5"
    assert caught.value.message == f"expected image float32 [batch, 3, 4, 4], found {found}"


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_check_sample_not_finite_fails(number: float) -> None:
    feeds = image(1, 3, 4, 4)
    feeds["image"][0, 1, 2, 3] = number
    with pytest.raises(StepError, match=r"MP-E502 s\.npz sample 0: image holds NaN or infinity"):
        check_sample([IMAGE], sample(0, **feeds), "s.npz")


def test_check_sample_one_dimension_with_two_sizes_fails() -> None:
    feeds = {
        "input_ids": np.zeros((1, 12), np.int64),
        "attention_mask": np.zeros((1, 16), np.int64),
    }
    with pytest.raises(
        StepError, match='dimension "sequence" is 12 in input_ids and 16 in attention_mask'
    ):
        check_sample([IDS, MASK], sample(0, **feeds), "s.npz")


def test_check_sample_unknown_dimension_takes_any_size() -> None:
    value = ValueFacts("x", "float32", (None,))
    for size in (0, 1, 7):
        check_sample([value], sample(0, x=np.zeros(size, np.float32)), "s.npz")


def test_with_sizes_fixes_named_dimensions() -> None:
    (ids,) = with_sizes([IDS], [("sequence", 128), ("other", 3)])
    assert describe(ids) == "input_ids int64 [batch, 128]"


def test_describe_unknown_dimension_is_a_question_mark() -> None:
    assert describe(ValueFacts("x", "float32", (None, 2))) == "x float32 [?, 2]"


def test_check_names_shows_both_sides() -> None:
    with pytest.raises(StepError) as caught:
        check_names([IDS, MASK], {"input_ids": 0, "mask": 0}, "s.npz")
    assert (
        caught.value.message == "expected arrays attention_mask, input_ids; found input_ids, mask"
    )
