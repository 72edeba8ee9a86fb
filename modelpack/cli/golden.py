"""`modelpack golden`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Literal

import msgspec

from modelpack.cli.options import Options, add_json
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.engine.recording import record_golden
from modelpack.engine.survey import known_results
from modelpack.engine.workers import ProcessWorkers
from modelpack.errors import UsageError
from modelpack.plan import make_plan, variant_target
from modelpack.record import EvaluatedSamples
from modelpack.report.golden import golden_text
from modelpack.report.json import json_document
from modelpack.selection import select
from modelpack.spec.project import Project
from modelpack.store.store import Store

EXAMPLES = """\
  modelpack golden show minilm@q8                          the samples on which it does worst
  modelpack golden show minilm --worst 20 --json
  modelpack golden record faces photos --out golden/faces.npz   a golden set from a folder"""


class GoldenOptions(Options):
    """What `golden` understands."""

    action: Literal["show", "record"]
    model: str
    folder: Path | None
    worst: int
    out: Path | None
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `golden`."""
    parser.add_argument("action", choices=("show", "record"), help="what to do")
    parser.add_argument("model", metavar="MODEL[@VARIANT]", help="of which model")
    parser.add_argument(
        "folder",
        nargs="?",
        type=Path,
        metavar="FOLDER",
        help="record: files as golden.preprocess reads them, or inputs that a page recorded as JSON",
    )
    parser.add_argument(
        "--worst", type=_positive, default=5, metavar="N", help="show: samples of each metric"
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="record: the .npz file to write")
    add_json(parser)


def execute(options: GoldenOptions, terminal: Terminal) -> int:
    """Shows the worst samples, or writes a golden set."""
    project = select(load_project(options), (options.model,))
    with project_store(project) as store:
        match options.action:
            case "show":
                return _show(project, store, options, terminal)
            case "record":
                return _record(project, store, options, terminal)


def _show(project: Project, store: Store, options: GoldenOptions, terminal: Terminal) -> int:
    found = _evaluated(project, store)
    if options.json:
        terminal.data(json_document({"variants": found}))
    else:
        terminal.data(golden_text(found, options.worst, terminal.palette))
    return 0


def _evaluated(project: Project, store: Store) -> dict[str, EvaluatedSamples]:
    """What the last build found, if nothing changed since. Raises: UsageError MP-E116 if there is nothing to show."""
    results = known_results(make_plan(project, "production"), store)
    found = {}
    for model in project.models:
        if model.golden is None:
            raise _nothing(model.id, "has no golden set", f"add [models.{model.id}.golden]")
        for variant in model.variants:
            target = variant_target(model, variant)
            result = results.get(f"evaluate:{target}")
            if result is None:
                raise _nothing(target, "is not evaluated as it is now", f"modelpack build {target}")
            (output,) = result.with_role("evaluation")
            content = store.blobs.read_bytes(output.digest)
            found[target] = msgspec.json.decode(content, type=EvaluatedSamples)
    return found


def _record(project: Project, store: Store, options: GoldenOptions, terminal: Terminal) -> int:
    if options.folder is None or options.out is None or options.out.suffix != ".npz":
        raise UsageError(
            "MP-E101",
            "record needs a folder and an .npz file to write",
            remedy="modelpack golden record MODEL FOLDER --out golden/model.npz",
        )
    if len(project.models) != 1:
        raise _nothing(options.model, "names several models", "name one")
    here = Path.cwd() / (options.directory or "")
    workers = ProcessWorkers(1)
    try:
        count = record_golden(project, here / options.folder, here / options.out, (store, workers))
    finally:
        workers.stop()
    terminal.say(f"recorded {count} samples: {options.out}")
    return 0


def _nothing(where: str, found: str, remedy: str) -> UsageError:
    return UsageError("MP-E116", found, where=where, remedy=remedy)


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f'found "{text}"; expected a number from 1')
    return int(text)
