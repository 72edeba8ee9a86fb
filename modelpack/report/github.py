"""The check as annotations of a GitHub workflow: each limit that does not hold, at its line of the configuration.

The commands: "Workflow commands for GitHub Actions", docs.github.com (read 2026-11).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modelpack.published import CheckReport
from modelpack.record import Verdict
from modelpack.report.verdicts import verdict_text


def check_github(report: CheckReport, file: str, lines: Mapping[str, int]) -> str:
    """One command for each limit that does not hold. `lines` are those of keys in the configuration `file`."""
    return "".join(f"{command}\n" for command in _commands(report, file, lines))


def _commands(report: CheckReport, file: str, lines: Mapping[str, int]) -> Iterator[str]:
    for verdict in report.verdicts:
        if verdict.passed and not verdict.note:
            continue
        place = f"file={_property(file)},line={lines.get(verdict.key, 1)}"
        title = _property(f"modelpack: {verdict.target} {verdict.quantity}")
        yield f"::{_level(verdict)} {place},title={title}::{_escaped(_message(verdict))}"


def _level(verdict: Verdict) -> str:
    if verdict.note:
        return "notice"
    return "error" if verdict.hints == "error" else "warning"


def _message(verdict: Verdict) -> str:
    return verdict.note or verdict_text(verdict).rstrip()


def _escaped(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _escaped(text).replace(":", "%3A").replace(",", "%2C")
