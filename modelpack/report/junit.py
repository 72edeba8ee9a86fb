"""The check as JUnit XML: a suite for each model, a case for each limit.

The elements are those that GitHub, GitLab and Jenkins read: testsuites, testsuite, testcase, failure, skipped, system-out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.sax.saxutils import escape, quoteattr

from modelpack.published import CheckReport
from modelpack.record import Verdict
from modelpack.report.verdicts import verdict_text
from modelpack.report.words import one_line


def check_junit(report: CheckReport) -> str:
    """The document."""
    models = dict.fromkeys(row.model for row in report.variants)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', '<testsuites name="modelpack">']
    for model in models:
        lines += _suite(model, [one for one in report.verdicts if one.model == model])
    return "\n".join((*lines, "</testsuites>")) + "\n"


def _suite(model: str, verdicts: list[Verdict]) -> Iterator[str]:
    failed = sum(_fails(verdict) for verdict in verdicts)
    skipped = sum(bool(verdict.note) for verdict in verdicts)
    yield (
        f'  <testsuite name={_attribute(model)} tests="{len(verdicts)}"'
        f' failures="{failed}" skipped="{skipped}" errors="0">'
    )
    for verdict in verdicts:
        yield from _case(verdict)
    yield "  </testsuite>"


def _case(verdict: Verdict) -> Iterator[str]:
    head = (
        f"    <testcase classname={_attribute(verdict.target)} name={_attribute(verdict.quantity)}"
    )
    inside = tuple(_inside(verdict))
    if not inside:
        yield f"{head}/>"
        return
    yield f"{head}>"
    yield from inside
    yield "    </testcase>"


def _inside(verdict: Verdict) -> Iterable[str]:
    if verdict.note:
        yield f"      <skipped message={_attribute(verdict.note)}/>"
    elif not verdict.passed:
        first, *rest = verdict_text(verdict).rstrip().split("\n")
        details = escape("\n".join(rest))
        if _fails(verdict):
            yield f"      <failure message={_attribute(first)}>{details}</failure>"
        else:
            yield f"      <system-out>{escape(first)}\n{details}</system-out>"


def _fails(verdict: Verdict) -> bool:
    return not verdict.passed and verdict.hints == "error"


def _attribute(text: str) -> str:
    return quoteattr(one_line(text))
