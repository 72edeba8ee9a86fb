from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.builds import copy_cache, warm
from tests.support.projects import Project, make_project


@pytest.fixture(scope="session")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The project `pair` with every step in its cache and nothing published."""
    project = make_project(tmp_path_factory.mktemp("warmed") / "project", "pair")
    warm(project)
    return project


@pytest.fixture
def project(tmp_path: Path, warmed: Project) -> Project:
    """A fresh copy: its first build runs nothing, so that no worker has to be spawned."""
    made = make_project(tmp_path / "project", "pair")
    copy_cache(warmed, made)
    return made
