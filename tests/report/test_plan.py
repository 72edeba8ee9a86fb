from __future__ import annotations

from modelpack.planned import AssetsParams, Plan, ProjectFile, Step
from modelpack.report.plan import plan_dot, plan_json, plan_mermaid, plan_text
from tests.support.golden import assert_golden
from tests.support.plans import ROOT, digits_plan

HOSTILE = Plan((Step("assets", 'a"b\\c#\n', AssetsParams((), 1), ()),))


def test_plan_text_is_a_tree() -> None:
    assert_golden("report/plan.txt", plan_text(digits_plan(), ROOT))


def test_plan_mermaid_is_a_flowchart() -> None:
    assert_golden("report/plan.mermaid.txt", plan_mermaid(digits_plan()))


def test_plan_dot_is_a_digraph() -> None:
    assert_golden("report/plan.dot.txt", plan_dot(digits_plan()))


def test_plan_json_lists_steps_with_what_they_need() -> None:
    assert_golden("report/plan.json", plan_json(digits_plan(), ROOT).decode())


def test_plan_of_nothing_is_empty_in_every_form() -> None:
    empty = Plan(())
    assert plan_text(empty, ROOT) == ""
    assert plan_mermaid(empty) == "flowchart LR\n"
    assert plan_dot(empty) == "digraph plan {\n  rankdir=LR;\n  node [shape=box];\n}\n"
    assert plan_json(empty, ROOT) == b'{\n  "steps": []\n}\n'


def test_plan_text_names_files_that_a_step_reads() -> None:
    asset = ProjectFile("asset", ROOT / "models" / "tokenizer.json")
    plan = Plan((Step("assets", "minilm", AssetsParams(("tokenizer",), 1), (asset,)),))
    assert plan_text(plan, ROOT) == "assets:minilm  reads models/tokenizer.json\n"


def test_plan_drawings_escape_names() -> None:
    assert '["assets:a#quot;b\\c#35;\\n"]' in plan_mermaid(HOSTILE)
    assert '"assets:a\\"b\\\\c#\\n";' in plan_dot(HOSTILE)
    assert plan_text(HOSTILE, ROOT) == 'assets:a"b\\c#\\n\n'


def test_plan_text_leaves_out_needs_that_others_bring_along() -> None:
    (line,) = [x for x in plan_text(digits_plan(), ROOT).splitlines() if "evaluate:digits@q8" in x]
    assert line.endswith("needs golden:digits")
