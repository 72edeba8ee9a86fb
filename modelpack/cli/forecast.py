"""Findings of a survey in words."""

from __future__ import annotations

from modelpack.engine.survey import Finding
from modelpack.record import StepForecast
from modelpack.report.why import explain


def forecast(finding: Finding) -> StepForecast:
    """What a build would do with the step, and why."""
    return StepForecast(finding.step, finding.state, _reason(finding))


def reasons(finding: Finding) -> tuple[str, ...]:
    """Why the step would run; or, of one that is up to date, what made it run the last time."""
    if finding.now is None or finding.state == "unknown":
        return (_reason(finding) or "nothing changed since it last ran",)
    changes = explain(finding.before, finding.now) if finding.before else ()
    if finding.state == "run":
        return changes or ("it never ran in this project, or the cache lost its result",)
    return ("nothing changed since it last ran", *(f"before that: {change}" for change in changes))


def _reason(finding: Finding) -> str:
    if finding.state == "cached":
        return ""
    if finding.state == "unknown":
        return f"depends on {', '.join(finding.waits)}"
    if finding.mapped_over is not None:
        return f"{finding.missing} of {finding.runs} {finding.mapped_over}s are new"
    if finding.now is not None and finding.before is not None:
        return ", ".join(explain(finding.before, finding.now))
    return "never ran"
