from __future__ import annotations

from tests.support.cli import Answer, modelpack
from tests.support.projects import Project


def build(project: Project) -> Answer:
    return modelpack("build", "-C", project.folder)


def ran(answer: Answer) -> set[str]:
    """The kinds of the steps of `words` that ran."""
    lines = [line.split() for line in answer.err.splitlines() if line.startswith("  ")]
    return {words[0].partition(":")[0] for words in lines if words and ":words" in words[0]}


def test_build_auto_says_which_form_it_chose(project: Project) -> None:
    project.edit('q8 = { device = "wasm" }', "auto = {}")
    answer = build(project)
    assert (answer.code, answer.out) == (0, "")
    assert "words@auto: solve: integers products: about " in answer.err
    assert "; floats products: about " in answer.err
    assert "words  auto" in answer.err


def test_build_other_target_uses_the_statistics_again(project: Project) -> None:
    project.edit('q8 = { device = "wasm" }', 'q8 = { shape = "entropy" }')
    assert {"statistics", "solve"} <= ran(build(project))
    project.edit('cosine = ">= 0.99"', 'cosine = ">= 0.98"')
    answer = build(project)
    assert answer.code == 0
    assert "solve" in ran(answer)
    assert "statistics" not in ran(answer)


def test_build_limit_that_no_grid_keeps_fails_with_the_closest(project: Project) -> None:
    project.edit('q8 = { device = "wasm" }', 'q8 = { shape = "entropy" }')
    project.edit('cosine = ">= 0.99"', 'cosine = ">= 0.99999999"')
    answer = build(project)
    assert answer.code == 1
    assert "MP-E452 " in answer.err
    assert "the closest, with integers products, has cosine 0.9" in answer.err


def test_build_static_calibrates_once_for_both_types(project: Project) -> None:
    project.edit(
        'q8 = { device = "wasm" }',
        'q8 = { activations = "static" }\nfine = { dtype = "q8", activations = "static", activation_type = "int16" }',
    )
    answer = build(project)
    assert answer.code == 0, answer.err
    assert {"calibrate", "quantize", "evaluate"} <= ran(answer)
    assert "words  q8" in answer.err
    project.edit('"static" }', '"static", per_channel = false }')
    answer = build(project)
    assert answer.code == 0, answer.err
    assert "quantize" in ran(answer)
    assert "calibrate" not in ran(answer)
