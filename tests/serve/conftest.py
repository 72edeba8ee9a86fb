from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.support.builds import build
from tests.support.projects import Project, make_project


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project `tiny`, built for development and published."""
    project = make_project(tmp_path_factory.mktemp("built") / "project", "tiny")
    assert build(project, mode="development").exit_code == 0
    return project


@pytest.fixture
def project(tmp_path: Path, built: Project) -> Project:
    """A copy of it."""
    return Project(shutil.copytree(built.folder, tmp_path / "project", symlinks=True))
