from __future__ import annotations

import pytest

from modelpack.record import StepEvent
from modelpack.report.events import event_text
from modelpack.report.palette import ansi


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (StepEvent("split:a@q8", "finished", 2.14), "done    split:a@q8  2.1 s\n"),
        (StepEvent("split:a@q8", "cached"), "cached  split:a@q8\n"),
        (StepEvent("s\x1b", "failed", error="MP-E403 a\nb"), "failed  s\\x1b  MP-E403 a\\nb\n"),
        (StepEvent("split:a@q8", "started"), ""),
        (StepEvent("compress:a@q8", "progress", done=1, total=9), ""),
    ],
)
def test_event_text_says_how_a_step_ended(event: StepEvent, line: str) -> None:
    assert event_text(event) == line


def test_event_text_colours_failures() -> None:
    assert event_text(StepEvent("s", "failed", error="x"), ansi).startswith("\x1b[31mfailed")
