"""Where the configuration is found, and what is said when it is not or is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import modelpack
from tests.support.projects import Project

COMMANDS = [["build"], ["list"], ["graph"], ["why", "x:y"], ["verify"], ["clean"], ["cache", "gc"]]


@pytest.mark.parametrize("command", COMMANDS)
def test_command_without_configuration_exits_2_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = modelpack(*command)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        f"MP-E102 no modelpack.toml in {tmp_path} or in any folder above it"
        ' — run "modelpack init" to write one, or choose one with --config\n'
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_command_with_wrong_configuration_names_the_line(
    project: Project, command: list[str]
) -> None:
    project.edit("assets =", "asets =")
    answer = modelpack(*command, "-C", project.folder)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(
        'MP-E111 modelpack.toml:8 models.words: unknown key "asets"; did you mean "assets"?'
    )
    assert answer.err.count("\n") == 1


def test_configuration_is_found_from_a_folder_below(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder / "models")
    assert modelpack("list").code == 0


def test_option_directory_counts_from_here(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project.folder.parent)
    assert modelpack("-C", project.folder.name, "list").code == 0
    assert modelpack("list", "-C", "nowhere").code == 2


def test_option_config_chooses_the_file(project: Project) -> None:
    other = project.folder / "other.toml"
    other.write_text('[models.faces]\nsource = "models/faces.onnx"\n')
    answer = modelpack("list", "--config", other)
    assert answer.code == 0
    assert "faces" in answer.out
    assert "words" not in answer.out


def test_option_config_that_does_not_exist_is_said(tmp_path: Path) -> None:
    answer = modelpack("list", "--config", tmp_path / "none.toml")
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith(f"MP-E102 {tmp_path}/none.toml does not exist")


@pytest.mark.parametrize("command", [["build"], ["graph"], ["build", "--dry-run"]])
def test_unknown_model_names_the_nearest(project: Project, command: list[str]) -> None:
    answer = modelpack(*command, "wordz", "-C", project.folder)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err == (
        'MP-E116 modelpack.toml: "wordz" names no model or variant; did you mean "words"?'
        " — modelpack list shows them all\n"
    )
