"""`modelpack baseline`."""

from __future__ import annotations

import argparse

import msgspec

from modelpack.cli.options import Options, add_models
from modelpack.cli.project import load_project
from modelpack.cli.terminal import Terminal
from modelpack.engine.checking import read_standing
from modelpack.judge.baseline import encode_baseline
from modelpack.judge.difference import differences
from modelpack.plan import variant_target
from modelpack.published import PublishedVariant
from modelpack.report.difference import difference_text
from modelpack.selection import select
from modelpack.spec.project import Project
from modelpack.store.atomic import write_atomically

EXAMPLES = """\
  modelpack baseline update           what is published is the baseline from now on; commit the file
  modelpack baseline update minilm    one model; the others stay as they are"""


class BaselineOptions(Options):
    """What `baseline` understands."""

    action: str
    models: list[str]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `baseline`."""
    parser.add_argument("action", choices=("update",), help="what to do")
    add_models(parser)


def execute(options: BaselineOptions, terminal: Terminal) -> int:
    """Writes modelpack.baseline.json from what is published, and says what moved."""
    whole = load_project(options)
    standing = read_standing(whole)
    before = standing.baseline.variants
    after = _moved(whole, tuple(options.models), before, standing.published)
    content = encode_baseline(msgspec.structs.replace(standing.baseline, variants=after))
    if not whole.baseline.exists() or whole.baseline.read_bytes() != content:
        write_atomically(whole.baseline, content)
    terminal.say(difference_text(differences(before, after), terminal.palette))
    terminal.say(f"baseline: {whole.baseline.name}")
    return 0


def _moved(
    whole: Project,
    patterns: tuple[str, ...],
    before: dict[str, PublishedVariant],
    published: dict[str, PublishedVariant],
) -> dict[str, PublishedVariant]:
    """The baseline with what was selected as it is published; what is configured no longer goes."""
    selected = _targets(select(whole, patterns))
    known = _targets(whole)
    kept = {name: one for name, one in before.items() if name in known and name not in selected}
    return {**kept, **{name: one for name, one in published.items() if name in selected}}


def _targets(project: Project) -> set[str]:
    return {
        variant_target(model, variant) for model in project.models for variant in model.variants
    }
