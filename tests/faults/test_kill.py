"""F01: kill -9 at any point. The published pack stays whole, and the next plain build gives what a clean build gives."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelpack.publish.check import check_published
from modelpack.store.atomic import PART_PREFIX
from tests.support import kill_at
from tests.support.builds import everything_in_output
from tests.support.cli import TIMEOUT_S, command, environment_with, modelpack_process
from tests.support.processes import left_after, new_mark
from tests.support.projects import Project, make_project

pytestmark = pytest.mark.slow

DETERMINISTIC_POINTS = 20
RANDOM_POINTS = 8
BUILD_S = (
    2.0  # about how long the build takes; some are killed after their end, which is a point too
)


def killing(point: int, project: Project) -> list[str]:
    return [sys.executable, kill_at.__file__, str(point), "build", "-C", str(project.folder)]


def run_killed(point: int, project: Project, mark: dict[str, str]) -> int:
    return subprocess.run(
        killing(point, project),
        check=False,
        capture_output=True,
        timeout=TIMEOUT_S,
        env=environment_with(**mark),
    ).returncode


@pytest.fixture(scope="module")
def points(tmp_path_factory: pytest.TempPathFactory) -> list[int]:
    """Changes to the file system, spread over a first build."""
    project = make_project(tmp_path_factory.mktemp("counted") / "project", "tiny")
    finished = subprocess.run(
        killing(0, project), check=True, capture_output=True, text=True, timeout=TIMEOUT_S
    )
    total = int(finished.stdout)
    assert total > 2 * DETERMINISTIC_POINTS
    return [
        1 + number * (total - 1) // (DETERMINISTIC_POINTS - 1)
        for number in range(DETERMINISTIC_POINTS)
    ]


def assert_heals(project: Project, clean: dict[str, str]) -> None:
    answer = modelpack_process("build", "-C", project.folder)
    assert answer.code == 0, answer.err
    # Temporary files of a killed process stay for a while: where locks do not work, they may be somebody's.
    whole = {
        name: found
        for name, found in everything_in_output(project).items()
        if PART_PREFIX not in name
    }
    assert whole == clean
    scratch = (project.cache / "v1" / "scratch").iterdir()
    assert [path for path in scratch if not path.name.startswith(PART_PREFIX)] == []


@pytest.mark.parametrize("ordinal", range(DETERMINISTIC_POINTS))
def test_kill_at_a_change_of_a_first_build_heals(
    tmp_path: Path, points: list[int], clean: dict[str, str], ordinal: int
) -> None:
    project = make_project(tmp_path / "project", "tiny")
    project.edit("block_size = 32", "block_size = 64")
    mark = new_mark()
    code = run_killed(points[ordinal], project, mark)
    # Renames of two threads may come in another order, so that the last point may lie behind the end.
    assert code == -signal.SIGKILL or ordinal >= DETERMINISTIC_POINTS - 2
    if (project.output / "manifest.json").exists():
        check_published(project.output)
    assert left_after(mark) == []
    assert_heals(project, clean)


@pytest.mark.parametrize("point", range(1, 61, 5))
def test_kill_at_a_change_of_a_later_build_heals(
    changed: Callable[[], Project], clean: dict[str, str], point: int
) -> None:
    project = changed()
    mark = new_mark()
    assert run_killed(point, project, mark) in {-signal.SIGKILL, 0}
    check_published(project.output)
    assert left_after(mark) == []
    assert_heals(project, clean)


@pytest.mark.parametrize("ordinal", range(RANDOM_POINTS))
def test_kill_at_a_time_heals(
    changed: Callable[[], Project], clean: dict[str, str], ordinal: int
) -> None:
    project = changed()
    mark = new_mark()
    building = subprocess.Popen(
        command("build", "-C", project.folder),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=environment_with(**mark),
    )
    time.sleep(BUILD_S * (ordinal + 1) / RANDOM_POINTS)
    building.kill()
    building.wait()
    check_published(project.output)
    assert left_after(mark) == []
    assert_heals(project, clean)
