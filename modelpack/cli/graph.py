"""`modelpack graph`."""

from __future__ import annotations

import argparse
from typing import Literal

from modelpack.cli.options import Options, add_models
from modelpack.cli.project import load_project
from modelpack.cli.terminal import Terminal
from modelpack.plan import make_plan
from modelpack.report.plan import plan_dot, plan_json, plan_mermaid, plan_text
from modelpack.selection import select

EXAMPLES = """\
  modelpack graph                              the steps as a tree
  modelpack graph minilm --format mermaid      for a README
  modelpack graph --format dot | dot -Tsvg     as a picture"""


class GraphOptions(Options):
    """What `graph` understands."""

    models: list[str]
    format: Literal["text", "mermaid", "dot", "json"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `graph`."""
    add_models(parser)
    parser.add_argument(
        "--format",
        choices=("text", "mermaid", "dot", "json"),
        default="text",
        help="how to draw it (default: text)",
    )


def execute(options: GraphOptions, terminal: Terminal) -> int:
    """Prints the plan. Nothing is looked at but modelpack.toml."""
    project = select(load_project(options), tuple(options.models))
    plan = make_plan(project, "production")
    match options.format:
        case "text":
            terminal.data(plan_text(plan, project.config.parent))
        case "mermaid":
            terminal.data(plan_mermaid(plan))
        case "dot":
            terminal.data(plan_dot(plan))
        case "json":
            terminal.data(plan_json(plan, project.config.parent))
    return 0
