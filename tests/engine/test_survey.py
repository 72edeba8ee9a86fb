from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.engine.survey import Finding, survey
from modelpack.plan import make_plan
from modelpack.store.store import open_store
from tests.support.builds import warm
from tests.support.projects import Project, change_weights, make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", "tiny")


def findings(project: Project) -> dict[str, Finding]:
    declared = project.declared()
    with open_store(declared.cache.directory, "modelpack.toml") as store:
        return {one.step: one for one in survey(make_plan(declared, "production"), store)}


def test_survey_of_a_fresh_project_knows_only_the_first_step(project: Project) -> None:
    states = {name: (one.state, one.waits) for name, one in findings(project).items()}
    assert states == {
        "inspect:words": ("run", ()),
        "shake:words": ("unknown", ("inspect:words",)),
        "quantize:words@q4": ("unknown", ("shake:words",)),
        "compatibility:words@q4": ("unknown", ("quantize:words@q4",)),
        "split:words@q4": ("unknown", ("quantize:words@q4",)),
        "compress:words@q4": ("unknown", ("split:words@q4",)),
    }


def test_survey_of_a_built_project_finds_everything_cached(project: Project) -> None:
    warm(project)
    assert {one.state for one in findings(project).values()} == {"cached"}


def test_survey_after_a_change_has_what_was_and_what_is(project: Project) -> None:
    warm(project)
    change_weights(project)
    found = findings(project)["inspect:words"]
    assert found.state == "run"
    assert found.before is not None
    assert found.now is not None
    assert found.before.inputs != found.now.inputs
    assert found.before.params == found.now.params


def test_survey_changes_nothing(project: Project) -> None:
    warm(project)
    before = sorted(project.cache.rglob("*"))
    findings(project)
    assert sorted(project.cache.rglob("*")) == before


def test_survey_of_a_lost_blob_runs_the_step_that_made_it(project: Project) -> None:
    warm(project)
    for path in (project.cache / "v1" / "blobs").rglob("*"):
        if path.is_file():
            path.unlink()
    assert findings(project)["inspect:words"].state == "run"
