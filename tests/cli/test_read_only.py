"""The commands that look and change nothing: list, graph, why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.cli import modelpack
from tests.support.golden import assert_golden
from tests.support.projects import Project, change_weights, make_project


def test_list_is_golden(project: Project) -> None:
    answer = modelpack("list", "-C", project.folder)
    assert (answer.code, answer.err) == (0, "")
    assert_golden("cli/list.txt", answer.out)


def test_list_json_names_every_variant(project: Project) -> None:
    answer = modelpack("list", "-C", project.folder, "--json")
    assert (answer.code, answer.err) == (0, "")
    assert_golden("cli/list.json", answer.out)


@pytest.mark.parametrize("form", ["text", "mermaid", "dot", "json"])
def test_graph_in_each_format_is_golden(project: Project, form: str) -> None:
    answer = modelpack("graph", "-C", project.folder, "--format", form)
    assert (answer.code, answer.err) == (0, "")
    assert_golden(f"cli/graph-{form}.txt", answer.out)


def test_graph_of_one_variant_leaves_the_others_out(project: Project) -> None:
    answer = modelpack("graph", "words@q8", "-C", project.folder)
    assert answer.code == 0
    assert "quantize:words@q8" in answer.out
    assert "fp32" not in answer.out
    assert "faces" not in answer.out


@pytest.mark.parametrize("command", [["list"], ["graph"], ["build", "--dry-run"]])
def test_read_only_commands_write_nothing_outside_the_cache(
    tmp_path: Path, command: list[str]
) -> None:
    fresh = make_project(tmp_path / "fresh", "pair")
    before = sorted(fresh.folder.rglob("*"))
    assert modelpack(*command, "-C", fresh.folder).code == 0
    after = [path for path in fresh.folder.rglob("*") if ".modelpack" not in path.parts]
    assert sorted(after) == before


def test_why_of_a_step_that_never_ran_says_so(tmp_path: Path) -> None:
    fresh = make_project(tmp_path / "fresh", "pair")
    answer = modelpack("why", "inspect:words", "-C", fresh.folder)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "inspect:words would run:\n  it never ran in this project, or the cache lost its result\n"
    )


def test_why_of_a_step_behind_one_that_never_ran_names_it(tmp_path: Path) -> None:
    fresh = make_project(tmp_path / "fresh", "pair")
    answer = modelpack("why", "quantize:words@q8", "-C", fresh.folder)
    assert answer.out == "quantize:words@q8 is not known yet:\n  depends on shake:words\n"


def test_why_of_a_current_step_says_so(project: Project) -> None:
    answer = modelpack("why", "quantize:words@q8", "-C", project.folder)
    assert answer.out == ("quantize:words@q8 is up to date:\n  nothing changed since it last ran\n")


def test_why_after_a_parameter_change_names_it(project: Project) -> None:
    project.edit(
        'q8 = { device = "wasm" }', 'q8 = { device = "webgpu", nodes_to_exclude = ["/fc1/*"] }'
    )
    answer = modelpack("why", "quantize:words@q8", "-C", project.folder)
    assert (answer.code, answer.err) == (0, "")
    assert answer.out == (
        "quantize:words@q8 would run:\n"
        '  parameter device: "wasm" → "webgpu"\n'
        '  parameter nodes_to_exclude: [] → ["/fc1/*"]\n'
    )


def test_why_after_a_source_change_names_the_input(project: Project) -> None:
    change_weights(project)
    answer = modelpack("why", "inspect:words", "-C", project.folder)
    first, second = answer.out.splitlines()
    assert first == "inspect:words would run:"
    assert second.startswith("  input model (model.onnx) changed: ")


def test_why_of_a_mapped_step_counts_its_chunks(project: Project) -> None:
    answer = modelpack("why", "compress:words@q8", "-C", project.folder)
    assert answer.out.startswith("compress:words@q8 is up to date:\n")


def test_why_json_has_state_and_reasons(project: Project) -> None:
    answer = modelpack("why", "inspect:words", "--json", "-C", project.folder)
    assert json.loads(answer.out) == {
        "step": "inspect:words",
        "state": "cached",
        "reasons": ["nothing changed since it last ran"],
    }


def test_why_of_an_unknown_step_names_the_nearest(project: Project) -> None:
    answer = modelpack("why", "quantize:word@q8", "-C", project.folder)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        'MP-E116 no step is called "quantize:word@q8"; did you mean "quantize:words@q8"?'
        " — modelpack graph lists them all\n"
    )


def test_why_mode_looks_at_that_build(project: Project) -> None:
    project.edit("[output]", '[output]\nhost = "nginx"')
    answer = modelpack("why", "compress:words@q8", "--mode", "development", "-C", project.folder)
    assert answer.out.startswith("compress:words@q8 would run:\n  ")
    assert answer.out.endswith(" chunks are new\n")
