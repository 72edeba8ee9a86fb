"""`modelpack why`."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable

from modelpack.cli.forecast import forecast, reasons
from modelpack.cli.options import Options, add_json
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.engine.survey import survey
from modelpack.errors import UsageError
from modelpack.plan import make_plan
from modelpack.report.json import json_document
from modelpack.spec.project import Mode

EXAMPLES = """\
  modelpack why quantize:minilm@q8      what made it run, or would
  modelpack why split:minilm@fp32 --json"""


class WhyOptions(Options):
    """What `why` understands."""

    step: str
    mode: Mode
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `why`."""
    parser.add_argument("step", metavar="STEP", help="a step's name, as modelpack graph prints it")
    parser.add_argument(
        "--mode", choices=("production", "development"), default="production", help="of which build"
    )
    add_json(parser)


def execute(options: WhyOptions, terminal: Terminal) -> int:
    """Prints why the step would run, or why it ran the last time."""
    project = load_project(options, options.mode)
    with project_store(project) as store:
        findings = {
            finding.step: finding for finding in survey(make_plan(project, options.mode), store)
        }
    finding = findings.get(options.step)
    if finding is None:
        raise _no_such_step(options.step, findings)
    state, because = forecast(finding).state, reasons(finding)
    if options.json:
        terminal.data(json_document({"step": finding.step, "state": state, "reasons": because}))
    else:
        words = {"run": "would run", "cached": "is up to date", "unknown": "is not known yet"}
        terminal.data(
            "\n".join((f"{finding.step} {words[state]}:", *(f"  {one}" for one in because)))
        )
    return 0


def _no_such_step(name: str, steps: Iterable[str]) -> UsageError:
    near = difflib.get_close_matches(name, steps, n=1)
    hint = f'; did you mean "{near[0]}"?' if near else ""
    return UsageError(
        "MP-E116", f'no step is called "{name}"{hint}', remedy="modelpack graph lists them all"
    )
