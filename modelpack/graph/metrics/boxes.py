"""Whether detectors find the same boxes.

Which output is which follows from the shapes: boxes are the first output [..., n, 4], scores the first other one
[..., n, classes] with as many rows. Scores that are no probabilities go through a softmax. With several classes, class 0 is
background (as in SSD and Faster R-CNN); with one, its score is taken as it is. Boxes are corners (x1, y1, x2, y2) if
no detected one of the reference has x2 < x1 or y2 < y1, else centre and size.
"""

from __future__ import annotations

import numpy as np

from modelpack.graph.metrics.case import Case, Floats, Outputs, does_not_suit
from modelpack.graph.metrics.distributions import are_probabilities, log_probabilities

_LEAST_SCORE = 0.5
_SAME_OBJECT_IOU = 0.5  # detections of one class that overlap more are one object
_MOST_BOXES = (
    300  # the best are kept, as detectors themselves do; bounds the time for an untrained model
)


def box_iou(case: Case) -> float:
    """The mean intersection over union of detections, matched greedily by it; a detection without a match counts 0.

    Detections are boxes with a score of at least 0.5, after non-maximum suppression at 0.5. 1 where neither finds any.

    Raises: StepError MP-E503 if the outputs are not those of a detector.
    """
    names = _names(case.expected)
    expected, found = (_detections(outputs, names) for outputs in (case.expected, case.found))
    if not len(expected) and not len(found):
        return 1.0
    if _are_centred(expected if len(expected) else found):
        expected, found = _corners(expected), _corners(found)
    expected, found = _suppressed(expected), _suppressed(found)
    return _matched(_overlaps(expected, found)) / max(len(expected), len(found))


def _names(outputs: Outputs) -> tuple[str, str]:
    """The outputs with boxes and scores."""
    shapes = {name: array.shape for name, array in outputs.items() if array.ndim >= 2}
    for boxes, shape in shapes.items():
        if shape[-1] == 4:
            for scores, other in shapes.items():
                if scores != boxes and other[:-1] == shape[:-1]:
                    return boxes, scores
    found = ", ".join(f"{name} {list(array.shape)}" for name, array in outputs.items())
    raise does_not_suit(
        "box_iou", f"expected boxes [..., n, 4] and scores [..., n, classes]; found {found}"
    )


def _detections(outputs: Outputs, names: tuple[str, str]) -> Floats:
    """[detections, 5] the boxes above the least score, best first, with their class."""
    boxes, scores = (np.asarray(outputs[name], np.float64) for name in names)
    rows = scores.reshape(-1, scores.shape[-1])
    if rows.shape[-1] > 1:
        if not are_probabilities(rows):
            rows = np.exp(log_probabilities(rows, is_distribution=False))
        rows = rows[:, 1:]
    elif not are_probabilities(rows):
        rows = 1 / (1 + np.exp(-rows))
    best = rows.max(axis=1)
    kept = np.flatnonzero(best >= _LEAST_SCORE)
    kept = kept[np.argsort(-best[kept], kind="stable")][:_MOST_BOXES]
    return np.column_stack([boxes.reshape(-1, 4)[kept], rows[kept].argmax(axis=1)])


def _are_centred(detections: Floats) -> bool:
    return bool((detections[:, 2:4] < detections[:, :2]).any())


def _corners(detections: Floats) -> Floats:
    half = detections[:, 2:4] / 2
    centre = detections[:, :2]
    return np.column_stack([centre - half, centre + half, detections[:, 4]])


def _suppressed(detections: Floats) -> Floats:
    kept: list[int] = []
    overlaps = _overlaps(detections, detections)
    for index in range(len(detections)):
        if not any(overlaps[index, other] > _SAME_OBJECT_IOU for other in kept):
            kept.append(index)
    return detections[kept]


def _overlaps(left: Floats, right: Floats) -> Floats:
    """[left, right] intersection over union; 0 between classes."""
    low = np.maximum(left[:, None, :2], right[None, :, :2])
    high = np.minimum(left[:, None, 2:4], right[None, :, 2:4])
    shared = np.prod(np.maximum(high - low, 0), axis=-1)
    areas = [np.prod(np.maximum(side[:, 2:4] - side[:, :2], 0), axis=-1) for side in (left, right)]
    union = areas[0][:, None] + areas[1][None, :] - shared
    same_class = left[:, None, 4] == right[None, :, 4]
    return np.where(same_class & (union > 0), shared / np.where(union > 0, union, 1), 0.0)


def _matched(overlaps: Floats) -> float:
    """The sum of the overlaps of pairs, the best pair first, each detection in one pair."""
    total, left = 0.0, overlaps.copy()
    while left.size and left.max() > 0:
        row, column = np.unravel_index(left.argmax(), left.shape)
        total += float(left[row, column])
        left[row, :] = left[:, column] = 0
    return total
