from __future__ import annotations

import pytest

from modelpack.record import StepEvent
from modelpack.report.events import event_text


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (StepEvent("shake:m", "started"), ""),
        (StepEvent("shake:m", "cached"), ""),
        (StepEvent("shake:m", "finished", 1.25), "  shake:m  1.2 s"),
        (StepEvent("compress:m@q8", "progress", done=3, total=7), "  compress:m@q8  3/7"),
        (StepEvent("shake:m", "failed", error="MP-E403 it broke"), "  shake:m  failed"),
        (StepEvent("shake:\x1b[31mm", "finished", 0.5), "  shake:\\x1b[31mm  500 ms"),
    ],
)
def test_event_text_says_what_a_log_should_hold(event: StepEvent, text: str) -> None:
    assert event_text(event) == text
