"""`modelpack estimate`."""

from __future__ import annotations

import argparse

from modelpack.cli.options import Options, add_json, add_models
from modelpack.cli.progress import show_progress
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.engine.estimating import Tools, estimate_project, light_plan
from modelpack.engine.workers import ProcessWorkers
from modelpack.report.estimate import estimate_text
from modelpack.report.json import json_document
from modelpack.selection import select

EXAMPLES = """\
  modelpack estimate                every variant: bytes in each encoding, and a band for the cosine
  modelpack estimate minilm         one model's variants
  modelpack estimate 'minilm@q*'    some of them
  modelpack estimate --json         the figures for programs"""


class EstimateOptions(Options):
    """What `estimate` understands."""

    models: list[str]
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `estimate`."""
    add_models(parser)
    add_json(parser)


def execute(options: EstimateOptions, terminal: Terminal) -> int:
    """Foretells what a build would give. Publishes nothing; what it reads and simplifies stays in the cache."""
    project = select(load_project(options), tuple(options.models))
    workers = ProcessWorkers(1)
    with project_store(project) as store:
        try:
            steps = len(light_plan(project).steps)
            with show_progress(terminal, steps, as_stream=False) as listen:
                report = estimate_project(project, Tools(store, workers, listen))
        finally:
            workers.stop()
    if options.json:
        terminal.data(json_document(report))
    else:
        terminal.data(estimate_text(report, terminal.palette))
    return 0
