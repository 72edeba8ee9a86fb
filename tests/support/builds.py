"""Whole builds of fixture projects in this process, without spawning workers."""

from __future__ import annotations

import shutil
from pathlib import Path

from modelpack.digest import digest_bytes
from modelpack.engine.admission import Admission
from modelpack.engine.build import Outcome, Request, build_project
from modelpack.engine.runner import Runner
from modelpack.engine.schedule import run_plan
from modelpack.plan import make_plan
from modelpack.publish.folder import MANIFEST_FILE, chunk_names, generation_name
from modelpack.publish.parse import parse_manifest
from modelpack.selection import select
from modelpack.spec.project import Mode
from modelpack.store.store import open_store
from modelpack.units import MIB
from tests.support.fakes import InlineWorkers
from tests.support.projects import Project


def build(
    project: Project,
    *patterns: str,
    workers: InlineWorkers | None = None,
    mode: Mode = "production",
) -> Outcome:
    """How the build ended. Publishes as `modelpack build` does."""
    whole = project.declared(mode)
    with open_store(whole.cache.directory, "modelpack.toml") as store:
        request = Request(select(whole, patterns), whole, mode, on_wait=lambda _: None)
        return build_project(request, store, workers or InlineWorkers(), lambda _: None)


def runs_of_build(project: Project) -> dict[str, int]:
    """How often each step had to run."""
    workers = InlineWorkers()
    outcome = build(project, workers=workers)
    assert outcome.errors == ()
    return dict(workers.runs)


def warm(project: Project, mode: Mode = "production") -> None:
    """Fills the cache with the result of every step that can succeed, and publishes nothing."""
    declared = project.declared(mode)
    with open_store(declared.cache.directory, "modelpack.toml") as store:
        runner = Runner(store, InlineWorkers(), Admission(2, 1000 * MIB), lambda _: None)
        plan = make_plan(declared, mode)
        run_plan(plan, runner.is_current, runner.execute, threads=2, keep_going=True)
        store.stat_cache.save()


def copy_cache(source: Project, destination: Project) -> None:
    """What `source` has in its cache, `destination` has too."""
    shutil.copytree(source.cache, destination.cache)


def published(project: Project) -> dict[str, str]:
    """The digest of every file that can be reached from manifest.json, and of the declared types."""
    content = (project.output / MANIFEST_FILE).read_bytes()
    names = [MANIFEST_FILE, generation_name(content), *chunk_names(parse_manifest(content))]
    files = [project.output / name for name in names]
    files += (project.folder / "src").glob("*.d.ts")
    return {_name(project, path): digest_bytes(path.read_bytes()) for path in sorted(files)}


def everything_in_output(project: Project) -> dict[str, str]:
    """The digest of every file in the output folder."""
    files = (path for path in sorted(project.output.rglob("*")) if path.is_file())
    return {_name(project, path): digest_bytes(path.read_bytes()) for path in files}


def _name(project: Project, path: Path) -> str:
    return path.relative_to(project.folder).as_posix()
