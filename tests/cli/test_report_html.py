from __future__ import annotations

import json
import subprocess

import pytest

from tests.support.cli import modelpack
from tests.support.projects import Project

pytest.importorskip("plotly")


def data_of(project: Project) -> dict[str, list[dict[str, object]]]:
    text = (project.folder / "out" / "report.html").read_text()
    content = text.partition('id="data">')[2].partition("</script>")[0]
    found: dict[str, list[dict[str, object]]] = json.loads(content)
    return found


def git(project: Project, *words: str) -> None:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    command = ["git", *identity, "-C", str(project.folder), *words]
    subprocess.run(command, check=True, capture_output=True)


@pytest.fixture
def built(project: Project) -> Project:
    assert modelpack("build", "-q", "-C", project.folder).code == 0
    return project


def report(project: Project, *argv: str) -> tuple[int, str]:
    answer = modelpack("report", *argv, "-C", project.folder)
    assert answer.out == ""
    return answer.code, answer.err


def test_report_html_is_one_file_with_weights_and_samples(built: Project) -> None:
    code, said = report(built, "--html", "out/report.html")
    assert (code, said.partition(" (")[0]) == (0, "report: out/report.html")
    words = data_of(built)["variants"][0]
    assert words["name"] == "words@q8"
    assert words["tensors"]
    assert words["samples"]["figures"]  # type: ignore[index, call-overload]


def test_report_html_shows_the_history_of_the_baseline(built: Project) -> None:
    (built.folder / ".git").rmdir()
    git(built, "init", "-q")
    modelpack("baseline", "update", "-q", "-C", built.folder)
    git(built, "add", "modelpack.baseline.json")
    git(built, "commit", "-q", "-m", "Keep the first figures")
    assert report(built, "--html", "out/report.html")[0] == 0
    (commit,) = data_of(built)["history"]
    assert commit["subject"] == "Keep the first figures"


def test_report_html_has_no_other_format(built: Project) -> None:
    code, said = report(built, "--html", "out/report.html", "--format", "md")
    assert (code, said[:7]) == (2, "MP-E101")
