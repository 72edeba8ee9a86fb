from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest

from modelpack.engine.build import Outcome, Request, build_project
from modelpack.engine.trials import Tried
from modelpack.errors import CompatibilityError
from modelpack.publish.folder import MANIFEST_FILE
from modelpack.publish.parse import parse_manifest
from modelpack.record import TaskResult
from modelpack.spec.project import Model
from modelpack.store.store import open_store
from tests.support.builds import warm
from tests.support.fakes import InlineWorkers
from tests.support.projects import Project, make_project

REFUSED = CompatibilityError("MP-E454", "is refused", where="browser:words@q8")


@pytest.fixture(scope="module")
def warmed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    made = make_project(tmp_path_factory.mktemp("trials") / "project", "pair")
    warm(made)
    return made


@pytest.fixture
def project(tmp_path: Path, warmed: Project) -> Project:
    shutil.copytree(warmed.folder, tmp_path / "project")
    return Project(tmp_path / "project")


def build(project: Project, tried: Tried, *, keep_going: bool = False) -> tuple[Outcome, list[str]]:
    """How the build ended, and the models that were tried."""
    asked: list[str] = []

    def trials(models: tuple[Model, ...], _results: Mapping[str, TaskResult], /) -> Tried:
        asked.extend(model.id for model in models)
        return tried

    whole = project.declared()
    with open_store(whole.cache.directory, "modelpack.toml") as store:
        request = Request(whole, whole, keep_going=keep_going, trials=trials)
        return build_project(request, store, InlineWorkers(), lambda _: None), asked


def published(project: Project) -> list[str]:
    path = project.output / MANIFEST_FILE
    return sorted(parse_manifest(path.read_bytes()).models) if path.exists() else []


def test_build_with_notes_of_the_browser_shows_them(project: Project) -> None:
    outcome, asked = build(project, Tried(notes={"words@q8": ("browser: not run",)}))
    assert (outcome.exit_code, asked) == (0, ["words", "faces"])
    noted = [row.variant for row in outcome.report.variants if "browser: not run" in row.notes]
    assert noted == ["q8"]


def test_build_of_a_variant_that_fails_in_the_browser_publishes_nothing(project: Project) -> None:
    outcome, _ = build(project, Tried((REFUSED,), frozenset({"words"})))
    assert (outcome.exit_code, outcome.report.status) == (4, "failed")
    assert outcome.report.errors == ("MP-E454 browser:words@q8: is refused",)
    assert published(project) == []


def test_build_that_keeps_going_publishes_the_other_models(project: Project) -> None:
    outcome, _ = build(project, Tried((REFUSED,), frozenset({"words"})), keep_going=True)
    assert outcome.exit_code == 4
    assert published(project) == ["faces"]


def test_build_remembers_what_the_browser_follows_from(project: Project) -> None:
    browser, other = project.folder / "browser", project.folder / "other"
    browser.write_text("")
    outcome, _ = build(project, Tried(read=(browser,), absent=(other,)))
    assert browser in outcome.written
    assert other in outcome.absent


def test_nothing_tried_is_the_same_manifest(project: Project) -> None:
    build(project, Tried(notes={"words@q8": ("browser: not run",)}))
    with_notes = (project.output / MANIFEST_FILE).read_bytes()
    build(project, Tried())
    assert (project.output / MANIFEST_FILE).read_bytes() == with_notes
