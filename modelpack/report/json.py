"""Results as JSON for other programs: camelCase, keys in one order, sizes in bytes, no colour, no prose."""

from __future__ import annotations

import msgspec

from modelpack.digest import canonical_json
from modelpack.record import BuildReport, StepEvent
from modelpack.watched import WatchEvent


def report_json(report: BuildReport) -> bytes:
    """The report as an indented JSON document: what `--json` prints."""
    return json_document(report)


def event_line(event: StepEvent) -> bytes:
    """The event as one line of NDJSON: `{"event":"step", …}`."""
    return canonical_json(event) + b"\n"


def report_line(report: BuildReport) -> bytes:
    """The report as the last line of the stream: `{"event":"report","report":{…}}`."""
    return canonical_json({"event": "report", "report": report}) + b"\n"


def watch_line(event: WatchEvent) -> bytes:
    """The event of a watch as one line of NDJSON."""
    return canonical_json(event) + b"\n"


def json_document(value: object) -> bytes:
    """Any record as an indented JSON document that ends with a newline."""
    return msgspec.json.format(canonical_json(value), indent=2) + b"\n"
