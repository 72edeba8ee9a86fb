from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest

from modelpack.publish.check import check_published
from tests.support.builds import copy_cache, warm
from tests.support.cli import TIMEOUT_S, modelpack
from tests.support.processes import left_after, new_mark
from tests.support.projects import Project, change_weights, make_project
from tests.support.watch_processes import Event, running


@pytest.fixture(scope="session")
def warmed_for_development(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = make_project(tmp_path_factory.mktemp("watched") / "project", "tiny")
    warm(project, "development")
    return project


@pytest.fixture
def project(tmp_path: Path, warmed_for_development: Project) -> Project:
    made = make_project(tmp_path / "project", "tiny")
    copy_cache(warmed_for_development, made)
    return made


def report(event: Event) -> tuple[object, object]:
    found = event["report"]
    assert isinstance(found, dict)
    return found["status"], found["manifest"]


def test_watch_streams_builds_and_ends_when_stdin_closes(project: Project) -> None:
    with running("watch", "--json=stream", "-C", project.folder) as watch:
        assert watch.event("build") == {"event": "build", "changed": []}
        assert report(watch.event("report")) == ("built", "public/models/manifest.json")
        assert watch.event("waiting")["folders"] == 2
        project.edit("passes = []", "passes = [")
        assert watch.event("build")["changed"] == ["modelpack.toml"]
        assert str(watch.event("error")["error"]).startswith("MP-E110 modelpack.toml:")
        project.edit("passes = [", "passes = []")
        assert report(watch.event("report"))[0] == "unchanged"
        code, err = watch.close_stdin()
    assert code == 0
    assert "what was published before stays" in err
    assert "Traceback" not in err


def test_watch_goes_on_without_stdin(project: Project) -> None:
    # A container or a shell's `&` gives /dev/null, which is nobody who could close it.
    argv = ("watch", "--json", "-C", project.folder)
    with running(*argv, stdin=subprocess.DEVNULL) as watch:
        watch.event("waiting")
        project.edit("passes = []", "passes = [")
        assert watch.event("error")


def test_watch_forever_outlives_stdin(project: Project) -> None:
    with running("watch", "--json", "--forever", "-C", project.folder) as watch:
        watch.event("waiting")
        assert watch.process.stdin is not None
        watch.process.stdin.close()
        project.edit("passes = []", "passes = [")
        assert watch.event("error")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)
def test_watch_interrupted_ends_in_one_word(
    project: Project, number: signal.Signals, code: int
) -> None:
    with running("watch", "--json", "-C", project.folder) as watch:
        watch.event("waiting")
        watch.process.send_signal(number)
        assert watch.process.wait(TIMEOUT_S) == code
        assert watch.process.stderr is not None
        err = watch.process.stderr.read()
    assert err.splitlines()[-1] in {"interrupted", "terminated"}
    assert "Traceback" not in err


def test_watch_without_a_project_is_an_error(tmp_path: Path) -> None:
    answer = modelpack("watch", "-C", tmp_path)
    assert answer.code == 2
    assert answer.err.startswith("MP-E102 ")


@pytest.mark.slow
def test_watch_killed_leaves_nothing_in_the_way_of_the_next(project: Project) -> None:
    # W09: kill -9, while workers are alive and a step runs.
    mark = new_mark()
    with running("watch", "--json", "-C", project.folder, **mark) as watch:
        watch.event("waiting")
        change_weights(project)
        assert watch.event("step")["state"] == "started"
        watch.process.kill()
        watch.process.wait()
    assert left_after(mark) == []
    with running("watch", "--json", "-C", project.folder) as watch:
        assert report(watch.event("report"))[0] == "built"
        watch.event("waiting")
        change_weights(project, "other")
        assert watch.close_stdin()[0] == 0
    check_published(project.output)


@pytest.mark.slow
def test_watch_rebuilds_with_the_workers_it_has(project: Project) -> None:
    mark = new_mark()
    with running("watch", "--json", "-C", project.folder, **mark) as watch:
        watch.event("waiting")
        change_weights(project)
        assert report(watch.event("report"))[0] == "built"
        watch.event("waiting")
        time.sleep(0.1)  # so that the times differ on any file system
        project.edit("block_size = 32", "block_size = 64")
        assert report(watch.event("report"))[0] == "built"
        assert watch.close_stdin()[0] == 0
    assert left_after(mark) == []
    check_published(project.output)
