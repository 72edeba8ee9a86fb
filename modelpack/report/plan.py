"""A plan as a tree, a Mermaid or Graphviz drawing, or JSON: what `modelpack graph` says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from modelpack.planned import Plan
from modelpack.report.drawing import StepDrawing, direct_needs, draw
from modelpack.report.json import json_document
from modelpack.report.words import one_line

_Children = Mapping[str | None, Sequence[StepDrawing]]


def plan_json(plan: Plan, root: Path) -> bytes:
    """`{"steps": […]}`, each after the steps it needs."""
    return json_document({"steps": draw(plan, root)})


def plan_mermaid(plan: Plan) -> str:
    """A Mermaid flowchart, as GitHub and GitLab draw it in Markdown."""
    needs = direct_needs(plan)
    numbers = {name: f"s{number}" for number, name in enumerate(needs)}
    nodes = [f'  {numbers[name]}["{_mermaid_label(name)}"]' for name in needs]
    edges = [f"  {numbers[need]} --> {numbers[name]}" for name in needs for need in needs[name]]
    return "\n".join(("flowchart LR", *nodes, *edges)) + "\n"


def plan_dot(plan: Plan) -> str:
    """A Graphviz digraph."""
    needs = direct_needs(plan)
    nodes = [f"  {_dot_name(name)};" for name in needs]
    edges = [f"  {_dot_name(need)} -> {_dot_name(name)};" for name in needs for need in needs[name]]
    head = ("digraph plan {", "  rankdir=LR;", "  node [shape=box];")
    return "\n".join((*head, *nodes, *edges, "}")) + "\n"


def plan_text(plan: Plan, root: Path) -> str:
    """A tree. A step hangs under the one furthest from the sources that it needs; its other needs stand beside it."""
    needs = direct_needs(plan)
    parents = _parents(needs)
    children: dict[str | None, list[StepDrawing]] = {}
    for step in draw(plan, root):
        children.setdefault(parents[step.name], []).append(step)
    others = {
        name: tuple(need for need in names if need != parents[name])
        for name, names in needs.items()
    }
    lines = (line for top in children.get(None, ()) for line in _branch(top, children, others))
    return "".join(f"{line}\n" for line in lines)


def _parents(needs: Mapping[str, Sequence[str]]) -> dict[str, str | None]:
    depths: dict[str, int] = {}
    parents: dict[str, str | None] = {}
    for name, names in needs.items():
        parents[name] = max(names, key=depths.__getitem__, default=None)
        depths[name] = 1 + max((depths[need] for need in names), default=-1)
    return parents


def _branch(
    step: StepDrawing, children: _Children, others: Mapping[str, Sequence[str]]
) -> Iterator[str]:
    yield _description(step, others[step.name])
    below = children.get(step.name, ())
    for child in below:
        first, rest = ("└─ ", "   ") if child is below[-1] else ("├─ ", "│  ")
        for number, line in enumerate(_branch(child, children, others)):
            yield f"{rest if number else first}{line}"


def _description(step: StepDrawing, others: Sequence[str]) -> str:
    remarks = (
        f"for each {step.mapped_over}" if step.mapped_over else "",
        f"reads {', '.join(step.reads)}" if step.reads else "",
        f"needs {', '.join(others)}" if others else "",
    )
    remark = "; ".join(filter(None, remarks))
    return one_line(f"{step.name}  {remark}" if remark else step.name)


def _mermaid_label(name: str) -> str:
    return one_line(name).replace("#", "#35;").replace('"', "#quot;")


def _dot_name(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{one_line(escaped)}"'
