from __future__ import annotations

from pathlib import Path
from threading import Barrier

import pytest

from modelpack.engine.admission import Admission
from modelpack.engine.runner import Runner
from modelpack.engine.schedule import run_plan
from modelpack.planned import (
    CompressParams,
    Params,
    Plan,
    ProjectFile,
    QuantizeParams,
    ShakeParams,
    SplitParams,
    Step,
    Upstream,
)
from modelpack.record import StepEvent
from modelpack.steps.contract import StepInput, StepOutput
from modelpack.store.store import Store
from modelpack.units import MIB
from tests.support.fakes import FakeWorkers, constant, failing, lines, stamp


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "model.bin"
    path.write_bytes(b"one\ntwo\nthree")
    return path


@pytest.fixture
def workers() -> FakeWorkers:
    return FakeWorkers(
        {
            "shake": lines("model"),
            "quantize": stamp("model"),
            "split": lines("chunk"),
            "compress": stamp("gzip"),
        }
    )


def chain(source: Path, block_size: int = 8) -> Plan:
    """shake → quantize."""
    return Plan(
        (
            Step("shake", "m", ShakeParams((), ()), (ProjectFile("model", source),)),
            Step(
                "quantize",
                "m@q",
                QuantizeParams("q4", "wasm", (), block_size),
                (Upstream("model", "shake:m", "model"),),
            ),
        )
    )


def mapped(source: Path) -> Plan:
    """split → compress, for each chunk."""
    return Plan(
        (
            Step("split", "m@q", SplitParams(1), (ProjectFile("model", source),)),
            Step(
                "compress",
                "m@q",
                CompressParams((("gzip", 9),)),
                (Upstream("chunk", "split:m@q", "chunk"),),
                mapped_over="chunk",
            ),
        )
    )


def run(
    plan: Plan,
    store: Store,
    workers: FakeWorkers,
    *,
    forced: bool = False,
    keep_going: bool = False,
) -> tuple[Runner, list[StepEvent]]:
    events: list[StepEvent] = []
    runner = Runner(store, workers, Admission(3, 1000 * MIB), events.append)
    run_plan(
        plan,
        lambda step: runner.is_current(step, forced=forced),
        lambda step: runner.execute(step, forced=forced),
        threads=3,
        keep_going=keep_going,
    )
    return runner, events


def test_runner_first_build_runs_every_step(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    runner, _ = run(chain(source), store, workers)
    assert workers.take_runs() == {"shake:m": 1, "quantize:m@q": 1}
    assert list(runner.results) == ["shake:m", "quantize:m@q"]
    assert runner.failures == {}


def test_runner_second_build_runs_nothing(store: Store, source: Path, workers: FakeWorkers) -> None:
    first, _ = run(chain(source), store, workers)
    workers.take_runs()
    second, events = run(chain(source), store, workers)
    assert workers.take_runs() == {}
    assert second.results == first.results
    assert [(event.step, event.state) for event in events] == [
        ("shake:m", "cached"),
        ("quantize:m@q", "cached"),
    ]


def test_runner_parameter_there_and_back_runs_once_each(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    run(chain(source, 8), store, workers)
    workers.take_runs()
    run(chain(source, 4), store, workers)
    assert workers.take_runs() == {"quantize:m@q": 1}
    run(chain(source, 8), store, workers)
    assert workers.take_runs() == {}


def test_runner_touched_source_runs_nothing(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    run(chain(source), store, workers)
    workers.take_runs()
    source.write_bytes(source.read_bytes())
    run(chain(source), store, workers)
    assert workers.take_runs() == {}


def test_runner_same_size_edit_runs_the_steps(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    run(chain(source), store, workers)
    workers.take_runs()
    source.write_bytes(b"one\ntwo\nthrew")
    run(chain(source), store, workers)
    assert workers.take_runs() == {"shake:m": 1, "quantize:m@q": 1}


def test_runner_same_result_wakes_nobody_behind_it(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    workers.steps["shake"] = constant("model", b"always this")
    run(chain(source), store, workers)
    workers.take_runs()
    source.write_bytes(b"changed")
    run(chain(source), store, workers)
    assert workers.take_runs() == {"shake:m": 1}


def test_runner_forced_runs_everything_again(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    run(chain(source), store, workers)
    workers.take_runs()
    run(chain(source), store, workers, forced=True)
    assert workers.take_runs() == {"shake:m": 1, "quantize:m@q": 1}


def test_runner_lost_blob_runs_the_step_that_made_it(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    first, _ = run(chain(source), store, workers)
    workers.take_runs()
    store.blobs.discard(first.results["quantize:m@q"].only().outputs[0].digest)
    second, _ = run(chain(source), store, workers)
    assert workers.take_runs() == {"quantize:m@q": 1}
    assert second.results == first.results


def test_runner_mapped_step_runs_once_for_each_chunk(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    runner, events = run(mapped(source), store, workers)
    assert workers.take_runs() == {"split:m@q": 1, "compress:m@q": 3}
    assert len(runner.results["compress:m@q"].items) == 3
    assert [(e.done, e.total) for e in events if e.state == "progress"] == [(1, 3), (2, 3), (3, 3)]


def test_runner_mapped_step_runs_only_for_new_chunks(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    run(mapped(source), store, workers)
    workers.take_runs()
    source.write_bytes(b"three\nfour\none\none")  # two known chunks elsewhere, one twice, one new
    runner, _ = run(mapped(source), store, workers)
    assert workers.take_runs() == {"split:m@q": 1, "compress:m@q": 1}
    assert len(runner.results["compress:m@q"].items) == 3


def test_runner_equal_work_at_the_same_time_runs_once(store: Store, source: Path) -> None:
    barrier = Barrier(2)

    def slow(step: StepInput[Params]) -> StepOutput:
        # Both tasks have begun when the first of them works: the quantize of n waits at the same barrier.
        barrier.wait(10)
        return stamp("model")(step)

    def release(step: StepInput[Params]) -> StepOutput:
        barrier.wait(10)
        return stamp("model")(step)

    workers = FakeWorkers({"shake": slow, "quantize": release})
    inputs = (ProjectFile("model", source),)
    plan = Plan(
        (
            Step("shake", "a", ShakeParams((), ()), inputs),
            Step("shake", "b", ShakeParams((), ()), inputs),
            Step("quantize", "n@q", QuantizeParams("q8", "wasm", (), 32), inputs),
        )
    )
    runner, _ = run(plan, store, workers)
    assert sum(workers.take_runs().values()) == 2
    assert runner.results["shake:a"] == runner.results["shake:b"]


def test_runner_failed_step_stops_what_needs_it(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    workers.steps["shake"] = failing()
    runner, events = run(chain(source), store, workers)
    assert workers.take_runs() == {"shake:m": 1}
    assert str(runner.failures["shake:m"]) == "MP-E403 test: it failed"
    assert [event.state for event in events] == ["started", "failed"]


def test_runner_failure_names_the_file_of_the_project_not_its_copy(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    workers.steps["shake"] = failing(where="shake:m, 0.bin sample 3")
    runner, _ = run(chain(source), store, workers)
    assert str(runner.failures["shake:m"]) == "MP-E403 shake:m, model.bin sample 3: it failed"


def test_runner_failure_is_not_remembered(store: Store, source: Path, workers: FakeWorkers) -> None:
    good = workers.steps["shake"]
    workers.steps["shake"] = failing()
    run(chain(source), store, workers)
    workers.steps["shake"] = good
    workers.take_runs()
    runner, _ = run(chain(source), store, workers)
    assert workers.take_runs() == {"shake:m": 1, "quantize:m@q": 1}
    assert runner.failures == {}


def test_runner_keep_going_runs_what_does_not_need_the_failed(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    workers.steps["shake"] = failing()
    plan = Plan(chain(source).steps + mapped(source).steps)
    runner, _ = run(plan, store, workers, keep_going=True)
    assert list(runner.failures) == ["shake:m"]
    assert set(runner.results) == {"split:m@q", "compress:m@q"}


def test_runner_missing_source_is_a_failure_of_its_step(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    source.unlink()
    runner, _ = run(chain(source), store, workers)
    assert workers.take_runs() == {}
    assert runner.failures["shake:m"].code == "MP-E201"


def test_runner_source_changed_while_read_is_not_remembered(
    store: Store, source: Path, workers: FakeWorkers
) -> None:
    runner = Runner(store, workers, Admission(1, MIB), lambda _event: None)
    (step, _) = chain(source).steps
    assert not runner.is_current(step)
    source.write_bytes(b"something else")  # after the key, before the copy
    assert not runner.execute(step)
    assert runner.failures["shake:m"].code == "MP-E230"
    assert workers.take_runs() == {}
