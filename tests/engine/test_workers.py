from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread

import pytest

from modelpack.engine.worker import Call
from modelpack.engine.workers import ProcessWorkers
from modelpack.errors import SourceError, StepError, WorkerError
from tests.support.exports import needs_export

MINUTE_S = 60.0


@pytest.fixture(scope="module")
def workers() -> Iterator[ProcessWorkers]:
    pool = ProcessWorkers(1)
    yield pool
    pool.stop()


def call(function: str, argument: object = None) -> Call:
    return Call("tests.support.worker_calls", function, argument, "shake:m")


def test_workers_call_gives_its_result(workers: ProcessWorkers) -> None:
    assert workers.run(call("double", 21), MINUTE_S) == 42


def test_workers_known_error_names_the_step(workers: ProcessWorkers) -> None:
    with pytest.raises(SourceError) as caught:
        workers.run(call("refuse"), MINUTE_S)
    assert str(caught.value) == "MP-E204 shake:m, model.onnx: is empty — fetch it again"


def test_workers_surprise_is_one_line_with_details_apart(workers: ProcessWorkers) -> None:
    with pytest.raises(StepError) as caught:
        workers.run(call("surprise"), MINUTE_S)
    assert caught.value.code == "MP-E403"
    assert caught.value.message == "ZeroDivisionError: one over"
    assert "Traceback" in caught.value.details


def test_workers_of_a_named_pool_are_one_process_of_their_own() -> None:
    pool = ProcessWorkers(2)
    named = Call("tests.support.worker_calls", "process_id", None, "export:m", pool="export")
    try:
        ids = [pool.run(named, MINUTE_S), pool.run(named, MINUTE_S)]
        other = pool.run(call("process_id"), MINUTE_S)
    finally:
        pool.stop()
    assert ids[0] == ids[1] != other


@pytest.mark.export
@needs_export
def test_workers_of_ordinary_steps_cannot_import_torch(workers: ProcessWorkers) -> None:
    """onnxsim would bring it along, in every build without a checkpoint."""
    workers.run(call("import_module", "onnxsim"), MINUTE_S)
    with pytest.raises(StepError, match=r"ModuleNotFoundError.*torch"):
        workers.run(call("import_module", "torch"), MINUTE_S)


def test_workers_have_no_token_of_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    pool = ProcessWorkers(1)
    try:
        assert pool.run(call("variable", "HF_TOKEN"), MINUTE_S) is None
    finally:
        pool.stop()


def test_workers_crash_twice_is_a_typed_error(workers: ProcessWorkers) -> None:
    with pytest.raises(WorkerError) as caught:
        workers.run(call("die"), MINUTE_S)
    assert caught.value.code == "MP-E401"
    # With one worker, pebble may see that all are gone before it learns of what.
    assert caught.value.message in {
        "the worker process died (SIGKILL), twice",
        "the worker process died (for an unknown reason), twice",
    }


def test_workers_crash_once_is_tried_again(workers: ProcessWorkers, tmp_path: Path) -> None:
    assert workers.run(call("die_once", tmp_path / "marker"), MINUTE_S) == "alive"


def test_workers_second_attempt_finds_its_folder_empty(
    workers: ProcessWorkers, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    again = Call("tests.support.worker_calls", "die_half_written", folder, "shake:m", folder)
    assert workers.run(again, MINUTE_S) == []


def test_workers_time_limit_ends_the_call(workers: ProcessWorkers) -> None:
    with pytest.raises(WorkerError) as caught:
        workers.run(call("sleep", 60.0), 0.2)
    assert str(caught.value).startswith("MP-E402 shake:m: took longer than its limit of 200 ms")


def test_workers_noise_stays_inside_and_math_has_one_thread(
    workers: ProcessWorkers, capfd: pytest.CaptureFixture[str]
) -> None:
    assert workers.run(call("shout"), MINUTE_S) == "1"
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("", "")


PARENT = """
import os, sys, threading, time
from modelpack.engine.worker import Call
from modelpack.engine.workers import ProcessWorkers
if __name__ == "__main__":
    pool = ProcessWorkers(1)
    threading.Thread(
        target=pool.run, args=(Call("tests.support.worker_calls", "sleep", 60.0, "x"), 90.0), daemon=True
    ).start()
    children = f"/proc/{os.getpid()}/task/{os.getpid()}/children"
    while not (pids := [pid for thread in os.listdir(f"/proc/{os.getpid()}/task")
                        for pid in open(f"/proc/{os.getpid()}/task/{thread}/children").read().split()]):
        time.sleep(0.05)
    time.sleep(1.5)
    print(*pids, flush=True)
    time.sleep(60)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_workers_end_when_the_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(root)},
    ) as parent:
        assert parent.stdout is not None
        children = [int(pid) for pid in parent.stdout.readline().split()]
        parent.kill()
    deadline = time.monotonic() + MINUTE_S
    while any(_is_running(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert children
    assert [pid for pid in children if _is_running(pid)] == []


def _is_running(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_workers_that_were_stopped_spawn_nobody() -> None:
    pool = ProcessWorkers(1)
    pool.stop()
    with pytest.raises(WorkerError) as caught:
        pool.run(call("double", 21), MINUTE_S)
    assert str(caught.value) == "MP-E401 the build was stopped — run it again"


def test_workers_cancelled_call_fails_and_the_pool_goes_on(tmp_path: Path) -> None:
    pool = ProcessWorkers(1)
    begun = tmp_path / "begun"
    failures: list[WorkerError] = []

    def run() -> None:
        with pytest.raises(WorkerError) as caught:
            pool.run(call("hang", begun), MINUTE_S)
        failures.append(caught.value)

    thread = Thread(target=run)
    thread.start()
    try:
        end_s = time.monotonic() + MINUTE_S
        while not begun.exists() and time.monotonic() < end_s:
            time.sleep(0.01)
        pool.cancel()
        thread.join(MINUTE_S)
        assert pool.run(call("double", 21), MINUTE_S) == 42
    finally:
        pool.stop()
    assert [str(error) for error in failures] == ["MP-E401 shake:m: the step was cancelled"]
