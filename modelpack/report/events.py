"""What happens during a build, one line each: for logs and for terminals on which nothing can move."""

from __future__ import annotations

from modelpack.record import StepEvent
from modelpack.report.palette import Palette, plain
from modelpack.report.words import one_line
from modelpack.units import format_seconds


def event_text(event: StepEvent, palette: Palette = plain) -> str:
    """The line for a step that ran, failed, or came further; nothing for what a log need not hold."""
    step = one_line(event.step)
    match event.state:
        case "finished":
            return f"  {step}  {palette('faint', format_seconds(event.seconds))}"
        case "progress":
            return f"  {step}  {palette('faint', f'{event.done}/{event.total}')}"
        case "failed":
            return f"  {step}  {palette('bad', 'failed')}"
        case "started" | "cached":
            return ""
