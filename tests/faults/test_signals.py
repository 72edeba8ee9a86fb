"""F02: asked to stop, modelpack stops: one line, nothing half-written, nobody left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from modelpack.publish.check import check_published
from tests.support.builds import everything_in_output
from tests.support.cli import TIMEOUT_S, command, environment_with, modelpack_process
from tests.support.processes import alive, left_after, new_mark
from tests.support.projects import Project, make_project

pytestmark = pytest.mark.slow

STOP_S = 60.0  # 0.3 on a machine that does nothing else; the tests run beside others
WORDS = {signal.SIGINT: (130, "interrupted"), signal.SIGTERM: (143, "terminated")}
WORDS[signal.SIGHUP] = WORDS[signal.SIGTERM]


def heed_signals() -> None:
    """What a shell starts in the background ignores SIGINT, what nohup starts SIGHUP, and so would what these tests start."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextmanager
def building(
    project: Project, *argv: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """A build that has begun to work: a worker runs."""
    mark = new_mark()
    process = subprocess.Popen(
        command("build", *argv, "-C", project.folder),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env=environment_with(**mark),
        preexec_fn=heed_signals,  # noqa: PLW1509 (nothing of ours holds a lock at this point)
    )
    try:
        end_s = time.monotonic() + TIMEOUT_S
        while len(alive(mark)) < 2 and process.poll() is None and time.monotonic() < end_s:
            time.sleep(0.01)
        yield process, mark
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", WORDS)
@pytest.mark.parametrize("later_s", [0.0, 0.3, 0.6])
def test_signal_ends_the_build_at_once_in_one_line(
    changed: Callable[[], Project], clean: dict[str, str], number: signal.Signals, later_s: float
) -> None:
    project = changed()
    with building(project, "--force") as (process, mark):
        time.sleep(later_s)
        began_s = time.monotonic()
        if process.poll() is not None:
            pytest.skip("this machine was quicker")
        process.send_signal(number)
        out, err = process.communicate(timeout=TIMEOUT_S)
        took_s = time.monotonic() - began_s
    if later_s and process.returncode == 0:
        pytest.skip("this machine was quicker")
    code, word = WORDS[number]
    assert (process.returncode, out) == (code, "")
    assert err.splitlines()[-1] == word
    assert "Traceback" not in err
    assert took_s < STOP_S
    assert left_after(mark, STOP_S) == []
    check_published(project.output)
    assert modelpack_process("build", "-C", project.folder).code == 0
    assert everything_in_output(project) == clean


def test_signal_to_the_whole_group_is_the_same(changed: Callable[[], Project]) -> None:
    project = changed()
    with building(project) as (process, mark):
        os.killpg(process.pid, signal.SIGINT)
        _, err = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 130
    assert err.splitlines()[-1] == "interrupted"
    assert left_after(mark, STOP_S) == []
    assert modelpack_process("build", "-C", project.folder).code == 0
    assert list((project.cache / "v1" / "scratch").iterdir()) == []


def test_signal_twice_ends_it_too(changed: Callable[[], Project]) -> None:
    project = changed()
    with building(project) as (process, mark):
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=TIMEOUT_S)
    assert process.returncode in {130, -signal.SIGINT}
    assert left_after(mark, STOP_S) == []


@pytest.mark.parametrize("argv", [["--json"], ["--json=stream"]])
def test_closed_stdout_ends_without_a_traceback(tmp_path: Path, argv: list[str]) -> None:
    project = make_project(tmp_path / "project", "tiny")
    mark = new_mark()
    reader, writer = os.pipe()
    os.close(reader)
    finished = subprocess.run(
        command("build", *argv, "-C", project.folder),
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_S,
        env=environment_with(**mark),
    )
    os.close(writer)
    assert "Traceback" not in finished.stderr
    assert "MP-E900" not in finished.stderr
    assert left_after(mark, STOP_S) == []
    assert modelpack_process("build", "-C", project.folder).code == 0
    check_published(project.output)


@pytest.mark.parametrize("argv", [["build", "--dry-run"], ["list"], ["graph"], ["list", "--help"]])
def test_closed_stdout_of_a_short_command_is_silent(tmp_path: Path, argv: list[str]) -> None:
    project = make_project(tmp_path / "project", "tiny")
    reader, writer = os.pipe()
    os.close(reader)
    finished = subprocess.run(
        command(*argv, "-C", project.folder),
        check=False,
        stdout=writer,
        stderr=subprocess.PIPE,
        text=True,
        timeout=TIMEOUT_S,
        env=environment_with(),
    )
    os.close(writer)
    assert finished.stderr == ""
