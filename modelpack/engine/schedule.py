"""doit as a scheduler in memory: order, threads, selection. What is fresh, the runner decides.

doit's own database is not used: it is written once at the end, so that a kill loses the run, it remembers only the last
success of a task, and two processes on one file lose state. Its command line is not used either: DoitMain reads a
repository's `[tool.doit]`, prints tracebacks itself, and costs 30 ms; TaskControl and the thread runner are what it drives.
"""

from __future__ import annotations

from collections.abc import Callable

from doit.control import TaskControl
from doit.dependency import Dependency
from doit.exceptions import TaskFailed, UnmetDependency
from doit.runner import MThreadRunner
from doit.runner import Runner as SerialRunner
from doit.task import Stream, Task

from modelpack.errors import InternalError
from modelpack.planned import Plan, Step, Upstream


def run_plan(
    plan: Plan,
    is_current: Callable[[Step], bool],
    execute: Callable[[Step], bool],
    *,
    threads: int,
    keep_going: bool,
) -> None:
    """Calls `is_current` for each step once those it needs are done, and `execute` where that is false.

    `is_current` runs in this thread, `execute` in up to `threads` others. Steps behind a failed one are not called;
    without `keep_going` nothing new begins after a failure.
    """
    control = TaskControl([_task(step, is_current, execute) for step in plan.steps])
    control.process(None)
    manager = Dependency(_Memory, "")
    runner = MThreadRunner(manager, _SilentReporter(), keep_going, False, Stream(0), threads)
    if not plan.steps:
        runner = SerialRunner(manager, _SilentReporter())
    runner.run_all(control.task_dispatcher())


def needs(step: Step) -> tuple[str, ...]:
    """The names of the steps that must be done before this one."""
    names = [ref.step for ref in step.inputs if isinstance(ref, Upstream)]
    names += [ref.inspect for ref in step.inputs if hasattr(ref, "inspect")]
    return tuple(dict.fromkeys(names))


def _task(step: Step, is_current: Callable[[Step], bool], execute: Callable[[Step], bool]) -> Task:
    def action() -> TaskFailed | None:
        # doit keeps only the text of a traceback; our errors are kept by the runner instead.
        return None if execute(step) else TaskFailed(step.name)

    def uptodate() -> bool:
        return is_current(step)

    return Task(
        step.name, [action], task_dep=list(needs(step)), uptodate=[uptodate], io={"capture": False}
    )


class _Memory:
    """doit's database interface, forgetting everything at the end of the build."""

    def __init__(self, name: str, codec: object, module_name: str | None) -> None:
        del codec, module_name  # how a file would be written
        self.name = name
        self._values: dict[str, dict[str, object]] = {}

    def dump(self) -> None:
        pass

    def set(self, task_id: str, dependency: str, value: object) -> None:
        self._values.setdefault(task_id, {})[dependency] = value

    def get(self, task_id: str, dependency: str) -> object:
        return self._values.get(task_id, {}).get(dependency)

    def in_(self, task_id: str) -> bool:
        return task_id in self._values

    def remove(self, task_id: str) -> None:
        self._values.pop(task_id, None)

    def remove_all(self) -> None:
        self._values.clear()


class _SilentReporter:
    """doit's reporter interface; the runner's events say more."""

    def get_status(self, task: Task) -> None: ...
    def execute_task(self, task: Task) -> None: ...
    def add_failure(self, task: Task, fail: TaskFailed) -> None:
        # A failed step is in the runner's records; anything else is a bug in one of us.
        if not isinstance(fail, TaskFailed | UnmetDependency):
            raise InternalError("MP-E900", fail.get_msg(), where=task.name)

    def add_success(self, task: Task) -> None: ...
    def skip_uptodate(self, task: Task) -> None: ...
    def skip_ignore(self, task: Task) -> None: ...
    def cleanup_error(self, exception: object) -> None: ...
    def runtime_error(self, msg: str) -> None:
        raise AssertionError(msg)

    def teardown_task(self, task: Task) -> None: ...
    def complete_run(self) -> None: ...
