from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.engine.build import Request, build_project
from modelpack.store.store import open_store
from tests.support.builds import build, published, runs_of_build, warm
from tests.support.fakes import InlineWorkers
from tests.support.projects import Project, change_weights, make_project


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return make_project(tmp_path / "project", "pair")


def request(project: Project, *, force: bool = False, frozen: bool = False) -> InlineWorkers:
    declared, workers = project.declared(), InlineWorkers()
    with open_store(declared.cache.directory, "modelpack.toml") as store:
        asked = Request(declared, declared, force=force, frozen=frozen, on_wait=lambda _: None)
        build_project(asked, store, workers, lambda _: None)
    return workers


def test_build_reports_each_variant_with_its_figures(project: Project) -> None:
    outcome = build(project)
    assert (outcome.exit_code, outcome.report.status) == (0, "built")
    rows = {f"{row.model}@{row.variant}": row for row in outcome.report.variants}
    assert list(rows) == ["words@q8", "words@fp32", "faces@fp16"]
    assert (
        rows["words@q8"].source_bytes == (project.folder / "models" / "words.onnx").stat().st_size
    )
    assert rows["words@q8"].size_bytes < rows["words@fp32"].size_bytes
    assert rows["words@fp32"].evaluation is not None
    assert rows["faces@fp16"].evaluation is None
    assert (rows["words@q8"].steps, rows["words@q8"].cached_steps) == (11, 0)


def test_build_again_is_unchanged_and_runs_nothing(project: Project) -> None:
    build(project)
    workers = InlineWorkers()
    outcome = build(project, workers=workers)
    assert (outcome.exit_code, outcome.report.status) == (0, "unchanged")
    assert workers.runs == {}


def test_build_names_what_it_read_and_wrote(project: Project) -> None:
    outcome = build(project)
    assert {path.name for path in outcome.read} == {
        "words.onnx",
        "faces.onnx",
        "words.npz",
        "labels.json",
    }
    assert {str(path.relative_to(project.folder)) for path in outcome.written} == {
        *published(project),
        "modelpack.stats.json",
    }
    assert outcome.absent == (project.folder / "modelpack.baseline.json",)


def test_build_forced_runs_everything_and_gives_the_same(project: Project) -> None:
    build(project)
    before = published(project)
    assert len(request(project, force=True).runs) == 23
    assert published(project) == before


def test_build_frozen_runs_what_is_not_cached_and_publishes_nothing(project: Project) -> None:
    request(project, frozen=True)
    assert not project.output.exists()


def test_build_of_one_variant_runs_only_its_steps(project: Project) -> None:
    workers = InlineWorkers()
    build(project, "words@q8", workers=workers)
    assert {name.partition(":")[2] for name in workers.runs} == {"words", "words@q8"}


def test_build_keeps_the_generation_before(project: Project) -> None:
    build(project)
    first = published(project)
    change_weights(project)
    build(project)
    assert [
        name for name in first if name.endswith(".bin") and not (project.folder / name).exists()
    ] == []
    assert published(project) != first


def test_build_after_the_cache_is_lost_gives_the_same(project: Project) -> None:
    build(project)
    before = published(project)
    project.cache.rename(project.folder / "old")
    assert len(runs_of_build(project)) == 23
    assert published(project) == before


def test_build_in_another_mode_and_back_gives_the_same(project: Project) -> None:
    build(project)
    before = published(project)
    warm(project, "development")
    assert build(project, mode="development").exit_code == 0
    assert build(project).exit_code == 0
    assert published(project) == before
