"""`modelpack verify`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from modelpack.cli.options import Options, add_json
from modelpack.cli.progress import show_count
from modelpack.cli.project import load_project
from modelpack.cli.terminal import Terminal
from modelpack.engine.worker import Call
from modelpack.engine.workers import ProcessWorkers, Workers
from modelpack.publish.check import CheckedFile, assemble, check_published
from modelpack.publish.folder import MANIFEST_FILE
from modelpack.publish.parse import parse_manifest
from modelpack.publish.wire import Manifest
from modelpack.report.json import json_document
from modelpack.units import format_size

EXAMPLES = """\
  modelpack verify              hash, put together and run everything that is published
  modelpack verify --no-run     only hash and put together"""
_TRIAL_TIMEOUT_S = 600.0


class VerifyOptions(Options):
    """What `verify` understands."""

    run: bool
    json: bool


class Trial(Struct, frozen=True):
    """A variant that ran, and on which inputs."""

    variant: str
    ran: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `verify`."""
    parser.add_argument(
        "--no-run", dest="run", action="store_false", help="do not run the models, only check bytes"
    )
    add_json(parser)


def execute(options: VerifyOptions, terminal: Terminal) -> int:
    """Checks every published byte against the manifest, and that every variant runs."""
    folder = load_project(options).output.path
    files = check_published(folder)
    manifest = parse_manifest((folder / MANIFEST_FILE).read_bytes())
    trials = tuple(_run_all(folder, manifest, terminal)) if options.run else ()
    if options.json:
        terminal.data(json_document({"files": files, "trials": trials}))
    else:
        terminal.data(_text(files, trials))
    return 0


def _run_all(folder: Path, manifest: Manifest, terminal: Terminal) -> Iterator[Trial]:
    total = sum(len(model.variants) for model in manifest.models.values())
    workers = ProcessWorkers(1)
    try:
        with show_count(terminal, "running") as advance:
            for done, trial in enumerate(_trials(folder, manifest, workers), 1):
                advance(done, total)
                yield trial
    finally:
        workers.stop()


def _trials(folder: Path, manifest: Manifest, workers: Workers) -> Iterator[Trial]:
    for model_id, model in manifest.models.items():
        for variant in model.variants:
            name = f"{model_id}@{variant.id}"
            with tempfile.TemporaryDirectory(prefix="modelpack-") as temporary:
                graph = assemble(folder, manifest, variant, Path(temporary))
                call = Call("modelpack.steps.trial", "run_trial", graph, name)
                yield Trial(name, str(workers.run(call, _TRIAL_TIMEOUT_S)))


def _text(files: tuple[CheckedFile, ...], trials: tuple[Trial, ...]) -> str:
    size = format_size(sum(file.size_bytes for file in files))
    lines = [f"{trial.variant:<24} runs: {trial.ran}" for trial in trials]
    return "\n".join((*lines, f"{len(files)} files, {size}: all as the manifest says"))
