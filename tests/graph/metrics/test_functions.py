from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.metrics.functions import load_function
from tests.support.cases import case

NAME = "python:tools.metrics:overlap"


def load(folder: Path, text: str) -> object:
    path = folder / "3.py"
    path.write_text(text)
    measure = load_function(path, NAME, "overlap")
    observed = [measure.observe(case([1.0, 2.0], [1.0, 5.0], 7))]
    return measure.figures(observed).tolist()


def test_load_function_gets_outputs_and_label(tmp_path: Path) -> None:
    text = """
def overlap(expected, found, label):
    return (expected["y"] == found["y"]).mean() + label
"""
    assert load(tmp_path, text) == [7.5]


def test_load_function_that_gives_infinity_becomes_nan(tmp_path: Path) -> None:
    (found,) = load(tmp_path, "def overlap(*_): return float('inf')")  # type: ignore[misc]
    assert np.isnan(found)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "import nothing_of_that_name",
            "loading it raised ModuleNotFoundError: No module named 'nothing_of_that_name'",
        ),
        ("def overlap(:", "loading it raised SyntaxError: "),
        ("other = 1", "found no function overlap in the file"),
        ("overlap = 1", "found no function overlap in the file"),
        ("def overlap(*_): return 1 / 0", "it raised ZeroDivisionError: division by zero"),
        ("def overlap(*_): return 'good'", "it gave str; expected a number"),
        ("def overlap(*_): return True", "it gave bool; expected a number"),
        ("def overlap(*_): return None", "it gave NoneType; expected a number"),
    ],
)
def test_load_function_that_fails_says_how(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(StepError) as caught:
        load(tmp_path, text)
    assert caught.value.code == "MP-E505"
    assert caught.value.where == f"golden.metrics.{NAME}"
    assert caught.value.message.startswith(message)
