from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.builds import build, everything_in_output
from tests.support.projects import Project, make_project

BEFORE, AFTER = "block_size = 32", "block_size = 64"


@pytest.fixture(scope="session")
def published_before(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project `tiny`, built and published."""
    project = make_project(tmp_path_factory.mktemp("before") / "project", "tiny")
    assert build(project).exit_code == 0
    return project


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every file that a clean build of the changed project publishes."""
    project = make_project(tmp_path_factory.mktemp("clean") / "project", "tiny")
    project.edit(BEFORE, AFTER)
    assert build(project).exit_code == 0
    return everything_in_output(project)


@pytest.fixture
def changed(tmp_path: Path, published_before: Project) -> Callable[[], Project]:
    """Makes projects that were built and published, and whose configuration has changed since."""

    def make() -> Project:
        folder = tmp_path / f"project{len(list(tmp_path.iterdir()))}"
        shutil.copytree(published_before.folder, folder, symlinks=True)
        project = Project(folder)
        project.edit(BEFORE, AFTER)
        return project

    return make
