from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.errors import UsageError
from modelpack.selection import select
from modelpack.spec.project import Project
from tests.support.projects import make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", "pair").declared()


def selected(project: Project, *patterns: str) -> list[str]:
    chosen = select(project, patterns)
    return [f"{model.id}@{variant.id}" for model in chosen.models for variant in model.variants]


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        ((), ["words@q8", "words@fp32", "faces@fp16"]),
        (("words",), ["words@q8", "words@fp32"]),
        (("words@q8",), ["words@q8"]),
        (("*@fp*",), ["words@fp32", "faces@fp16"]),
        (("faces", "words@q?"), ["words@q8", "faces@fp16"]),
        (("words", "words@q8"), ["words@q8", "words@fp32"]),
        (("[fw]*@fp16",), ["faces@fp16"]),
    ],
)
def test_select_gives_what_the_patterns_name(
    project: Project, patterns: tuple[str, ...], names: list[str]
) -> None:
    assert selected(project, *patterns) == names


def test_select_keeps_everything_else_of_the_project(project: Project) -> None:
    chosen = select(project, ("faces",))
    assert (chosen.output, chosen.cache, chosen.config) == (
        project.output,
        project.cache,
        project.config,
    )
    assert chosen.models[0] == project.models[1]


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("word", '; did you mean "words"?'),
        ("words@q9", '; did you mean "words@q8"?'),
        ("Words", '; did you mean "words"?'),
        ("zzz", "; there are words, faces"),
    ],
)
def test_select_of_nothing_names_the_nearest(project: Project, pattern: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(project, ("words", pattern))
    assert caught.value.code == "MP-E116"
    assert caught.value.message == f'"{pattern}" names no model or variant{hint}'
