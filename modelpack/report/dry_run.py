"""What a build would do, step by step, without doing it."""

from __future__ import annotations

from collections.abc import Sequence

from modelpack.record import StepForecast
from modelpack.report.grid import Column, grid
from modelpack.report.json import json_document
from modelpack.report.palette import Palette, plain
from modelpack.report.words import count


def dry_run_text(forecasts: Sequence[StepForecast], palette: Palette = plain) -> str:
    """One line for each step with what would become of it and why, then how many would run."""
    rows = [(row.step, row.state, row.reason) for row in forecasts]
    lines = grid((Column("step"), Column("state"), Column("because")), rows, palette)
    return "".join(f"{line}\n" for line in (*lines, "", _summary(forecasts)))


def dry_run_json(forecasts: Sequence[StepForecast]) -> bytes:
    """`{"steps": [{"step", "state", "reason"}]}`."""
    return json_document({"steps": tuple(forecasts)})


def _summary(forecasts: Sequence[StepForecast]) -> str:
    states = [row.state for row in forecasts]
    runs, cached, unknown = (states.count(state) for state in ("run", "cached", "unknown"))
    rest = f", {unknown} not known before the others ran" if unknown else ""
    return f"{count(runs, 'step')} would run, {cached} cached{rest}"
