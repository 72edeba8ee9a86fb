from __future__ import annotations

import json
import math

from modelpack.record import StepEvent
from modelpack.report.json import event_line, report_json, report_line
from tests.support.golden import assert_golden
from tests.support.reports import cosine, inaccurate, over_download, report, row


def test_report_json_is_camel_case_and_sorted() -> None:
    whole = report(
        row(evaluation=cosine(0.962)),
        status="inaccurate",
        verdicts=(over_download(), inaccurate()),
        errors=("MP-E403 x",),
    )
    assert_golden("report/build.json", report_json(whole).decode())


def test_report_json_repeats() -> None:
    assert report_json(report(row())) == report_json(report(row()))


def test_report_json_writes_nan_as_null() -> None:
    document = json.loads(report_json(report(verdicts=(inaccurate(math.nan),))))
    assert document["verdicts"][0]["measured"] is None


def test_event_line_is_one_line() -> None:
    line = event_line(StepEvent("quantize:a@q8", "failed", 1.5, 1, 2, "MP-E403 a\nb"))
    assert line == (
        b'{"done":1,"error":"MP-E403 a\\nb","event":"step","seconds":1.5,'
        b'"state":"failed","step":"quantize:a@q8","total":2}\n'
    )


def test_report_line_carries_the_whole_report() -> None:
    line = report_line(report(row()))
    assert line.count(b"\n") == 1
    document = json.loads(line)
    assert document["event"] == "report"
    assert document["report"] == json.loads(report_json(report(row())))
