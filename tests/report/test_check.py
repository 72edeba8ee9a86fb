from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from modelpack.published import CheckReport
from modelpack.report.check import check_text, percent_text, summary
from modelpack.report.github import check_github
from modelpack.report.json import json_document
from modelpack.report.junit import check_junit
from modelpack.report.markdown import check_markdown
from tests.support.checks import check_row, mixed_check, verdict
from tests.support.golden import assert_golden

LINES = {"models.minilm.budget.download": 12, "models.minilm.golden.metrics.cosine": 20}


def test_check_text_is_golden() -> None:
    assert_golden("report/check.txt", check_text(mixed_check()))


def test_check_markdown_is_golden() -> None:
    assert_golden("report/check.md", check_markdown(mixed_check()))


def test_check_markdown_escapes_names_of_tensors() -> None:
    text = check_markdown(mixed_check())
    assert text.count("<pre>") == text.count("</pre>") == 1
    assert "\x1b" not in text


def test_check_json_is_golden() -> None:
    assert_golden("report/check.json", json_document(mixed_check()).decode())


def test_check_junit_is_golden_and_well_formed() -> None:
    text = check_junit(mixed_check())
    assert_golden("report/check.xml", text)
    (suite,) = ET.fromstring(text)  # noqa: S314  we wrote it
    assert suite.attrib["tests"] == "7"
    assert suite.attrib["failures"] == str(len(suite.findall("testcase/failure"))) == "4"
    assert suite.attrib["skipped"] == str(len(suite.findall("testcase/skipped"))) == "1"


def test_check_github_is_golden() -> None:
    assert_golden(
        "report/check-github.txt", check_github(mixed_check(), "apps/a,b/modelpack.toml", LINES)
    )


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (CheckReport((), ()), "no limits"),
        (CheckReport((), (verdict("size"),)), "1 limit, all held"),
        (
            CheckReport((), (verdict("size"), verdict("x", passed=False))),
            "1 of 2 limits does not hold",
        ),
        (CheckReport((), (verdict("x", note="new"),)), "no limits"),
    ],
)
def test_summary_counts_what_was_judged(report: CheckReport, words: str) -> None:
    assert summary(report) == words


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [(100, 100, "="), (100, 102, "+2.0 %"), (200, 100, "-50.0 %"), (0, 5, "new")],
)
def test_percent_text_is_the_change(before: int, after: int, text: str) -> None:
    assert percent_text(before, after) == text


def test_check_text_without_stars_does_not_explain_them() -> None:
    assert "★" not in check_text(CheckReport((check_row("q8"),), ()))
