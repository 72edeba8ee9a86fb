"""key → cache → worker → commit. The only place where results come to be, and the only notion of freshness."""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Lock

from msgspec import Struct

from modelpack.engine.admission import Admission
from modelpack.engine.code import code_digests
from modelpack.engine.inputs import Inputs, key_inputs, materialise, original_place
from modelpack.engine.machine import numeric_platform, tool_versions
from modelpack.engine.resolved import ResolvedInput
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.errors import InternalError, ModelpackError, StepError
from modelpack.keys import KeyPreimage, step_key
from modelpack.planned import Step
from modelpack.record import Output, StepEvent, StepResult, TaskResult
from modelpack.sources.download import Progress
from modelpack.steps.catalog import CATALOG
from modelpack.steps.contract import InputFiles, StepInput, StepOutput
from modelpack.store.actions import ActionRecord
from modelpack.store.store import Store
from modelpack.units import MIB

Listener = Callable[[StepEvent], None]


class Item(Struct, frozen=True):
    """One run of a step: its name among the step's runs (empty: the only one), inputs and key."""

    name: str
    inputs: tuple[ResolvedInput, ...]
    preimage: KeyPreimage
    key: str


class Runner:
    """Runs steps of one build and holds their results.

    `seconds` has the time that each step which was not cached took, the sum of its runs, without waiting.
    `is_current` is called before `execute`, in one thread; `execute` may run in several at once.
    """

    def __init__(
        self, store: Store, workers: Workers, admission: Admission, listen: Listener
    ) -> None:
        self.inputs = Inputs(store)
        self.results: dict[str, TaskResult] = {}
        self.failures: dict[str, ModelpackError] = {}
        self.seconds: dict[str, float] = {}
        self._store = store
        self._workers = workers
        self._admission = admission
        self._listen = listen
        self._items: dict[str, tuple[Item, ...]] = {}
        self._running: dict[str, Future[StepResult]] = {}
        self._lock = Lock()

    def is_current(self, step: Step, *, forced: bool = False) -> bool:
        """Whether every run of the step is answered by the cache; then its result is at hand."""
        try:
            items = self._items[step.name] = plan_items(
                step, self.inputs.resolve(step, self.results)
            )
        except ModelpackError as err:
            self.failures[step.name] = err
            return False
        if step.mapped_over is None:
            self._store.histories.remember(step.name, items[0].key)
        found = [] if forced else [recall(self._store, item.key) for item in items]
        if forced or not all(found):
            return False
        self.results[step.name] = TaskResult(
            tuple((item.name, result) for item, result in zip(items, found, strict=True) if result)
        )
        self._listen(StepEvent(step.name, "cached", done=len(items), total=len(items)))
        return True

    def execute(self, step: Step, *, forced: bool = False) -> bool:
        """Runs what the cache does not answer. False, with the error in `failures`, if that fails."""
        self.seconds[step.name] = 0.0
        if step.name not in self.failures:
            self._listen(StepEvent(step.name, "started", total=len(self._items[step.name])))
            try:
                self.results[step.name] = self._run_items(step, forced=forced)
            except ModelpackError as err:
                self.failures[step.name] = err
            except Exception as err:  # noqa: BLE001 (doit would keep only a text of it, and go on)
                self.failures[step.name] = _bug(step, err)
        seconds = self.seconds[step.name]
        if step.name in self.failures:
            error = str(self.failures[step.name])
            self._listen(StepEvent(step.name, "failed", seconds, error=error))
            return False
        total = len(self._items[step.name])
        self._listen(StepEvent(step.name, "finished", seconds, total, total))
        return True

    def _run_items(self, step: Step, *, forced: bool) -> TaskResult:
        items = self._items[step.name]
        if len(items) == 1:
            return TaskResult(((items[0].name, self._run_once(step, items[0], forced=forced)),))
        with ThreadPoolExecutor(max_workers=8) as threads:  # they only wait; the pool does the work
            futures = [threads.submit(self._run_once, step, item, forced=forced) for item in items]
            try:
                results = [
                    self._awaited(step, future, done + 1, len(items))
                    for done, future in enumerate(futures)
                ]
            except ModelpackError:
                threads.shutdown(wait=False, cancel_futures=True)
                raise
        return TaskResult(
            tuple((item.name, result) for item, result in zip(items, results, strict=True))
        )

    def _awaited(self, step: Step, future: Future[StepResult], done: int, total: int) -> StepResult:
        result = future.result()
        self._listen(StepEvent(step.name, "progress", done=done, total=total))
        return result

    def _run_once(self, step: Step, item: Item, *, forced: bool) -> StepResult:
        """The item's result; where two tasks need the same one at the same time, it is made once."""
        with self._lock:
            running = self._running.get(item.key)
            future = self._running.setdefault(item.key, Future())
        if running is not None:
            return running.result()
        try:
            result = None if forced else recall(self._store, item.key)
            future.set_result(result or self._run(step, item))
        except BaseException as err:
            future.set_exception(err)
            raise
        finally:
            with self._lock:
                self._running.pop(item.key, None)
        return future.result()

    def _run(self, step: Step, item: Item) -> StepResult:
        kind = CATALOG[step.kind]
        input_bytes = sum(found.size_bytes for found in item.inputs)
        estimate_bytes = kind.memory_base_bytes + int(kind.memory_factor * input_bytes)
        with self._admission.admit(estimate_bytes):
            began_s = time.monotonic()  # before, it waited for a worker
            try:
                result = self._work(step, item)
            finally:
                with self._lock:
                    self.seconds[step.name] += time.monotonic() - began_s
        self._store.actions.put(ActionRecord(item.key, item.preimage, result))
        return result

    def _work(self, step: Step, item: Item) -> StepResult:
        kind = CATALOG[step.kind]
        with self._store.scratch.folder() as folder:
            materialise(item.inputs, folder / "in", self._store, self._download_shown(step))
            (folder / "out").mkdir()
            step_input = StepInput(
                step.params, input_files(item.inputs, folder / "in"), folder / "out"
            )
            call = Call(kind.module, "run", step_input, step.name, folder / "out", kind.pool)
            try:
                output = self._workers.run(call, kind.timeout_s)
            except ModelpackError as err:
                err.where = original_place(err.where, item.inputs)
                raise
            if not isinstance(output, StepOutput):
                raise StepError("MP-E403", f"gave {type(output).__name__}", where=step.name)
            return self._commit(output, folder / "out")

    def _download_shown(self, step: Step) -> Progress:
        """Tells of a download in whole MiB."""
        shown = -1

        def progress(done_bytes: int, total_bytes: int) -> None:
            nonlocal shown
            done, total = done_bytes // MIB, -(-total_bytes // MIB)
            if done > shown:
                shown = done
                self._listen(StepEvent(step.name, "progress", done=done, total=total))

        return progress

    def _commit(self, output: StepOutput, folder: Path) -> StepResult:
        stored: dict[Path, tuple[str, int]] = {}
        for file in output.files:
            if file.path not in stored:
                stored[file.path] = self._store.blobs.put_file(file.path)
        return StepResult(
            tuple(
                Output(file.role, file.path.relative_to(folder).as_posix(), *stored[file.path])
                for file in output.files
            ),
            output.measurements,
            output.notes,
        )


def _bug(step: Step, err: Exception) -> InternalError:
    error = InternalError(
        "MP-E900", f"{type(err).__name__}: {err}", where=step.name, remedy="report it, with --debug"
    )
    error.details = traceback.format_exc()
    return error


def recall(store: Store, key: str) -> StepResult | None:
    """The result under this key, if it is remembered and all its blobs are there."""
    record = store.actions.get(key)
    if record is None:
        return None
    if all(store.blobs.has(output.digest) for output in record.result.outputs):
        return record.result
    return None


def plan_items(step: Step, inputs: tuple[ResolvedInput, ...]) -> tuple[Item, ...]:
    """The runs a step needs for these inputs: one, or one for each distinct file it is mapped over."""
    if step.mapped_over is None:
        return (_item(step, "", inputs),)
    shared = tuple(found for found in inputs if found.role != step.mapped_over)
    mapped = {found.digest: found for found in inputs if found.role == step.mapped_over}
    return tuple(
        # Named by its role: the same chunk has the same key wherever it stood in its file.
        _item(
            step, digest, (ResolvedInput(found.role, found.role, digest, found.size_bytes), *shared)
        )
        for digest, found in mapped.items()
    )


def _item(step: Step, name: str, inputs: tuple[ResolvedInput, ...]) -> Item:
    preimage = KeyPreimage(
        kind=step.kind,
        params=step.params,
        code=code_digests(step.kind),
        tools=tool_versions(step.kind),
        inputs=key_inputs(inputs),
        platform=numeric_platform(step.kind),
    )
    return Item(name, inputs, preimage, step_key(preimage))


def input_files(inputs: tuple[ResolvedInput, ...], folder: Path) -> tuple[InputFiles, ...]:
    """The files that `materialise` wrote into `folder`, by role, as a step sees them."""
    names: Mapping[str, list[str]] = {found.role: [] for found in inputs}
    for found in inputs:
        names[found.role].append(found.name)
    return tuple(
        InputFiles(role, tuple(folder / role / name for name in found), tuple(found))
        for role, found in names.items()
    )
