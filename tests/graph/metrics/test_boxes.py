from __future__ import annotations

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.metrics.boxes import box_iou
from modelpack.graph.metrics.case import Case
from tests.support.cases import case, outputs

UNIT = [0.0, 0.0, 1.0, 1.0]
HALF = [0.0, 0.0, 1.0, 0.5]
FAR = [5.0, 5.0, 6.0, 6.0]
YES, NO = [0.1, 0.9], [0.9, 0.1]


def detections(boxes: list[list[float]], scores: list[list[float]]) -> dict[str, object]:
    return {"scores": [scores], "boxes": [boxes]}


def pair(expected: dict[str, object], found: dict[str, object]) -> Case:
    return outputs(expected, found)  # type: ignore[arg-type]


def test_box_iou_same_box_is_one() -> None:
    same = detections([UNIT, FAR], [YES, YES])
    assert box_iou(pair(same, same)) == pytest.approx(1)


def test_box_iou_is_the_overlap() -> None:
    found = detections([HALF, FAR], [YES, NO])
    assert box_iou(pair(detections([UNIT, FAR], [YES, NO]), found)) == pytest.approx(0.5)


@pytest.mark.parametrize(("one", "other"), [([YES, YES], [YES, NO]), ([YES, NO], [YES, YES])])
def test_box_iou_missing_or_invented_counts_zero(
    one: list[list[float]], other: list[list[float]]
) -> None:
    boxes = [UNIT, FAR]
    assert box_iou(pair(detections(boxes, one), detections(boxes, other))) == pytest.approx(0.5)


def test_box_iou_nothing_found_by_both_is_one() -> None:
    nothing = detections([UNIT], [NO])
    assert box_iou(pair(nothing, nothing)) == 1


def test_box_iou_found_by_one_only_is_zero() -> None:
    assert box_iou(pair(detections([UNIT], [YES]), detections([UNIT], [NO]))) == 0


def test_box_iou_overlapping_boxes_are_one_object() -> None:
    near = [0.0, 0.0, 1.0, 0.95]
    found = detections([UNIT, near], [[0.05, 0.95], YES])
    assert box_iou(pair(detections([UNIT, near], [[0.05, 0.95], NO]), found)) == pytest.approx(1)


def test_box_iou_other_class_is_no_match() -> None:
    one, other = [0.0, 0.9, 0.1], [0.0, 0.1, 0.9]
    assert box_iou(pair(detections([UNIT], [one]), detections([UNIT], [other]))) == 0


def test_box_iou_logits_go_through_a_softmax() -> None:
    logits = detections([UNIT, FAR], [[-2.0, 2.0], [2.0, -2.0]])
    assert box_iou(pair(logits, detections([HALF, FAR], [[-2.0, 2.0], [2.0, -2.0]]))) == 0.5


def test_box_iou_single_score_is_taken_as_it_is() -> None:
    one = detections([UNIT, FAR], [[0.9], [0.2]])
    assert box_iou(pair(one, detections([HALF, FAR], [[0.9], [0.2]]))) == pytest.approx(0.5)


def test_box_iou_centre_and_size_are_seen() -> None:
    # The same square, once as corners (5,5)-(7,7): centre (6,6), size (2,2); half as high: (2,1).
    expected = detections([[6.0, 6.0, 2.0, 2.0]], [YES])
    found = detections([[6.0, 5.5, 2.0, 1.0]], [YES])
    assert box_iou(pair(expected, found)) == pytest.approx(0.5)


def test_box_iou_without_boxes_fails() -> None:
    with pytest.raises(StepError) as caught:
        box_iou(case(np.zeros((1, 10)), np.zeros((1, 10))))
    assert caught.value.message == (
        "box_iou: expected boxes [..., n, 4] and scores [..., n, classes]; found y [1, 10]"
    )
