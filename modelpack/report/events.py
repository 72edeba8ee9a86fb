"""What happens during a build, one line each: for terminals that are none, and for logs."""

from __future__ import annotations

from modelpack.record import StepEvent
from modelpack.report.palette import Palette, plain
from modelpack.report.words import one_line
from modelpack.units import format_seconds


def event_text(event: StepEvent, palette: Palette = plain) -> str:
    """The line for a step that came to an end; nothing for one that is still on its way."""
    step = one_line(event.step)
    match event.state:
        case "finished":
            return f"{palette('good', 'done')}    {step}  {format_seconds(event.seconds)}\n"
        case "cached":
            return f"{palette('faint', 'cached')}  {step}\n"
        case "failed":
            return f"{palette('bad', 'failed')}  {step}  {one_line(event.error)}\n"
        case "started" | "progress":
            return ""
