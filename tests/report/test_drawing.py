from __future__ import annotations

import pytest

from modelpack.report.drawing import direct_needs, draw
from tests.support.plans import ROOT, digits_plan

STEPS = {step.name: step for step in draw(digits_plan(), ROOT)}


@pytest.mark.parametrize(
    ("step", "needs"),
    [
        ("inspect:digits", ()),
        ("shake:digits", ("inspect:digits",)),
        ("evaluate:digits@q8", ("inspect:digits", "quantize:digits@q8", "golden:digits")),
    ],
)
def test_draw_names_every_step_that_is_needed(step: str, needs: tuple[str, ...]) -> None:
    assert STEPS[step].needs == needs


def test_draw_names_files_that_are_read() -> None:
    assert STEPS["golden:digits"].reads == ("golden/digits.npz",)
    assert STEPS["split:digits@q8"].reads == ()


def test_direct_needs_drop_what_others_bring_along() -> None:
    assert direct_needs(digits_plan())["evaluate:digits@q8"] == (
        "quantize:digits@q8",
        "golden:digits",
    )
