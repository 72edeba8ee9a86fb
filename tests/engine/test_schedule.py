from __future__ import annotations

from pathlib import Path
from threading import Event, get_ident

import pytest

from modelpack.engine.schedule import needs, run_plan
from modelpack.errors import InternalError
from modelpack.planned import (
    Plan,
    ProjectFile,
    ShakeParams,
    SourceGraph,
    SourceModel,
    SplitParams,
    Step,
    Upstream,
)
from modelpack.spec.sources import FileSource

SOURCE = FileSource(Path("/model.onnx"))


def step(name: str, *before: str) -> Step:
    return Step(
        "split",
        name,
        SplitParams(1),
        tuple(Upstream("model", f"split:{one}", "x") for one in before),
    )


def run(plan: Plan, *, failing: str = "", current: str = "", keep_going: bool = False) -> list[str]:
    """The names of steps in the order in which they were executed."""
    executed: list[str] = []

    def execute(one: Step) -> bool:
        executed.append(one.target)
        return one.target != failing

    run_plan(plan, lambda one: one.target == current, execute, threads=1, keep_going=keep_going)
    return executed


def test_schedule_runs_each_step_after_those_it_needs() -> None:
    plan = Plan((step("a"), step("b", "a"), step("c", "a"), step("d", "b", "c")))
    executed = run(plan)
    assert sorted(executed) == ["a", "b", "c", "d"]
    assert (executed[0], executed[-1]) == ("a", "d")


def test_schedule_leaves_out_what_is_current_and_goes_on_behind_it() -> None:
    assert run(Plan((step("a"), step("b", "a"))), current="a") == ["b"]


def test_schedule_stops_after_a_failure() -> None:
    assert run(Plan((step("a"), step("b", "a"), step("c", "b"))), failing="a") == ["a"]


def test_schedule_keeps_going_with_what_does_not_need_the_failed_step() -> None:
    plan = Plan((step("a"), step("b", "a"), step("c"), step("d", "c")))
    assert sorted(run(plan, failing="a", keep_going=True)) == ["a", "c", "d"]


def test_schedule_of_nothing_does_nothing() -> None:
    assert run(Plan(())) == []


def test_schedule_asks_in_this_thread_and_executes_in_others() -> None:
    asked, executed = set(), set()

    def is_current(_: Step) -> bool:
        asked.add(get_ident())
        return False

    def execute(_: Step) -> bool:
        executed.add(get_ident())
        return True

    run_plan(Plan((step("a"), step("b"))), is_current, execute, threads=2, keep_going=False)
    assert asked == {get_ident()}
    assert get_ident() not in executed


def test_schedule_runs_independent_steps_at_once() -> None:
    events = {"a": Event(), "b": Event()}

    def execute(one: Step) -> bool:
        events[one.target].set()
        return events["b" if one.target == "a" else "a"].wait(10)

    plan = Plan((step("a"), step("b")))
    run_plan(plan, lambda _: False, execute, threads=2, keep_going=False)
    assert all(event.is_set() for event in events.values())


def test_schedule_bug_in_a_callback_is_an_internal_error() -> None:
    def broken(_: Step) -> bool:
        raise ZeroDivisionError

    with pytest.raises(InternalError) as caught:
        run_plan(Plan((step("a"),)), lambda _: False, broken, threads=1, keep_going=False)
    assert caught.value.code == "MP-E900"


def test_needs_names_each_step_once_in_order() -> None:
    one = Step(
        "shake",
        "m",
        ShakeParams((), ()),
        (
            SourceModel("model", SOURCE, "inspect:m"),
            Upstream("facts", "inspect:m", "facts"),
            Upstream("model", "simplify:m", "model"),
            SourceGraph("graph", SOURCE),
            ProjectFile("samples", Path("/samples.npz")),
        ),
    )
    assert needs(one) == ("inspect:m", "simplify:m")
