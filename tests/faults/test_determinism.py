"""The same sources give the same bytes, wherever and however they are built."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.builds import build, published
from tests.support.cli import TIMEOUT_S, command, environment_with
from tests.support.projects import Project, make_project

pytestmark = pytest.mark.slow

ENVIRONMENTS: dict[str, tuple[dict[str, str], tuple[str, ...]]] = {
    "hash seed 0": ({"PYTHONHASHSEED": "0"}, ()),
    "hash seed 4711": ({"PYTHONHASHSEED": "4711"}, ()),
    "time zone": ({"TZ": "Pacific/Kiritimati", "SOURCE_DATE_EPOCH": "1"}, ()),
    "C locale": ({"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0"}, ()),
    "Turkish": ({"LANG": "tr_TR.UTF-8", "LC_ALL": "tr_TR.UTF-8"}, ()),
    "one worker": ({}, ("--jobs", "1")),
    "four workers": ({"OMP_NUM_THREADS": "8"}, ("--jobs", "4")),
    "no home, no colours": ({"HOME": "/nonexistent", "NO_COLOR": "1", "CI": "true"}, ()),
}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    project = make_project(tmp_path_factory.mktemp("expected") / "project", "pair")
    assert build(project).exit_code == 0
    return published(project)


def built(
    project: Project, argv: tuple[str, ...], environment: dict[str, str], cwd: Path | None = None
) -> dict[str, str]:
    finished = subprocess.run(
        command("build", "-C", project.folder, *argv),
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=cwd,
        env=environment_with(**environment),
    )
    assert finished.returncode == 0, finished.stderr
    return published(project)


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_build_in_another_environment_gives_the_same_bytes(
    tmp_path: Path, expected: dict[str, str], name: str
) -> None:
    environment, argv = ENVIRONMENTS[name]
    project = make_project(tmp_path / "project", "pair")
    assert built(project, argv, environment) == expected


def test_build_at_a_long_path_with_spaces_gives_the_same_bytes(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    folder = tmp_path / "a folder" / ("é" * 60) / ("x" * 100) / "project"
    assert built(make_project(folder, "pair"), (), {}, Path("/")) == expected


@pytest.mark.parametrize("umask", [0o077, 0o000, 0o027])
def test_build_under_another_umask_gives_the_same_bytes(
    tmp_path: Path, expected: dict[str, str], umask: int
) -> None:
    project = make_project(tmp_path / "project", "pair")
    program = (
        f"import os, sys, subprocess; os.umask({umask}); sys.exit(subprocess.call(sys.argv[1:]))"
    )
    subprocess.run(
        [sys.executable, "-c", program, *command("build", "-C", project.folder)],
        check=True,
        capture_output=True,
        timeout=TIMEOUT_S,
        env=environment_with(),
    )
    assert published(project) == expected


def test_published_files_name_no_path_user_or_host(tmp_path: Path) -> None:
    project = make_project(tmp_path / "secret-folder", "pair")
    assert build(project).exit_code == 0
    words = [str(tmp_path).encode(), b"secret-folder", os.uname().nodename.encode()]
    for path in project.output.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert [word for word in words if word in content] == [], path
