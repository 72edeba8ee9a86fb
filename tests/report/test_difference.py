from __future__ import annotations

from modelpack.judge.difference import differences
from modelpack.report.difference import difference_json, difference_text
from tests.support.checks import published
from tests.support.golden import assert_golden

BEFORE = {
    "a@q8": published(1000, 0.99, x=600, y=400),
    "b@q8": published(500, None, z=500),
    "gone@q8": published(10, None, g=10),
}
AFTER = {
    "a@q8": published(1300, 0.985, x=600, n=700),
    "b@q8": published(500, None, z=500),
    "new@q8": published(2000, 0.5, m=2000),
}


def test_difference_text_is_golden() -> None:
    assert_golden("report/diff.txt", difference_text(differences(BEFORE, AFTER)))


def test_difference_json_is_golden() -> None:
    assert_golden("report/diff.json", difference_json(differences(BEFORE, AFTER)).decode())


def test_difference_text_of_the_same_says_so() -> None:
    assert difference_text(differences(BEFORE, BEFORE)).endswith("\nno variant changed\n")
