from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.labels import with_labels
from modelpack.graph.golden.samples import Sample
from tests.support.golden_sets import write_arrays

SAMPLES = tuple(
    Sample(number, {"x": np.zeros(1)}, name) for number, name in enumerate(["a.png", "sub/b.png"])
)


def read(path: Path) -> list[object]:
    found = [sample.label for sample in with_labels(SAMPLES, path)]
    assert all(label is not None and label.dtype == np.int64 for label in found)
    return [label.tolist() for label in found if label is not None]


def written(path: Path, value: object) -> Path:
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


@pytest.mark.parametrize(
    "value",
    [
        [3, 1],
        {"a.png": 3, "sub/b.png": 1, "c.png": 9},
        {"classes": ["x", "cat", "y", "dog"], "labels": ["dog", "cat"]},
        {"classes": ["x", "cat", "y", "dog"], "labels": {"a.png": "dog", "sub/b.png": 1}},
    ],
)
def test_with_labels_of_json_in_each_form(tmp_path: Path, value: object) -> None:
    assert read(written(tmp_path / "labels.json", value)) == [3, 1]


def test_with_labels_of_positions(tmp_path: Path) -> None:
    assert read(written(tmp_path / "labels.json", [[1, 2], [3]])) == [[1, 2], [3]]


def test_with_labels_of_lines(tmp_path: Path) -> None:
    assert read(written(tmp_path / "labels.jsonl", "3\n\n[1, 2]\n")) == [3, [1, 2]]


def test_with_labels_of_arrays(tmp_path: Path) -> None:
    labels = np.array([3, 1], np.uint8)
    assert read(write_arrays(tmp_path / "labels.npz", labels=labels)) == [3, 1]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([3], "found 1 labels for 2 samples"),
        ({"a.png": 3}, "found no label for sample 1 (sub/b.png)"),
        (["dog", "cat"], 'found the label "dog", which is not among "classes"'),
        ("[", 'expected [3, 1, …], {"file.png": 3, …}, or {"classes": ["cat", …], "labels": …} '),
        (
            [1.5, 2],
            'expected [3, 1, …], {"file.png": 3, …}, or {"classes": ["cat", …], "labels": …} ',
        ),
    ],
)
def test_with_labels_that_do_not_fit_fails(tmp_path: Path, value: object, message: str) -> None:
    with pytest.raises(StepError) as caught:
        read(written(tmp_path / "labels.json", value))
    assert caught.value.code == "MP-E504"
    assert caught.value.message.startswith(message)


def test_with_labels_of_other_arrays_fails(tmp_path: Path) -> None:
    with pytest.raises(StepError, match="expected an array labels; found y"):
        read(write_arrays(tmp_path / "labels.npz", y=np.zeros(2)))
    with pytest.raises(StepError, match="expected whole numbers; found float64"):
        read(write_arrays(tmp_path / "labels.npz", labels=np.zeros(2)))
