"""What a build would do, found out without doing it: for `--dry-run` and `why`."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from modelpack.engine.inputs import Inputs
from modelpack.engine.runner import Item, plan_items, recall
from modelpack.engine.schedule import needs
from modelpack.keys import KeyPreimage
from modelpack.planned import Plan, Step
from modelpack.record import TaskResult
from modelpack.store.store import Store


class Finding(Struct, frozen=True):
    """What became known of one step.

    `waits` names the steps that have to run before it can be known. `missing` of `runs` are not in the cache. `now` is
    what the step follows from at present, `before` what it followed from when that was last different.
    """

    step: str
    state: Literal["run", "cached", "unknown"]
    waits: tuple[str, ...] = ()
    missing: int = 0
    runs: int = 0
    mapped_over: str | None = None
    now: KeyPreimage | None = None
    before: KeyPreimage | None = None


def survey(plan: Plan, store: Store) -> tuple[Finding, ...]:
    """A finding for each step of the plan, in order. Raises: SourceError if a source is not what it should be."""
    inputs = Inputs(store)
    results: dict[str, TaskResult] = {}
    return tuple(_look_at(step, store, inputs, results) for step in plan.steps)


def known_results(plan: Plan, store: Store) -> dict[str, TaskResult]:
    """The results that the cache has of the plan's steps as they are now. Raises: SourceError."""
    inputs = Inputs(store)
    results: dict[str, TaskResult] = {}
    for step in plan.steps:
        _look_at(step, store, inputs, results)
    return results


def _look_at(step: Step, store: Store, inputs: Inputs, results: dict[str, TaskResult]) -> Finding:
    waits = tuple(name for name in needs(step) if name not in results)
    if waits:
        return Finding(step.name, "unknown", waits)
    items = plan_items(step, inputs.resolve(step, results))
    found = [(item.name, recall(store, item.key)) for item in items]
    held = tuple((name, result) for name, result in found if result is not None)
    if len(held) == len(items):
        results[step.name] = TaskResult(held)
    return Finding(
        step.name,
        "cached" if len(held) == len(items) else "run",
        missing=len(items) - len(held),
        runs=len(items),
        mapped_over=step.mapped_over,
        now=None if step.mapped_over else items[0].preimage,
        before=None if step.mapped_over else _before(step, items[0], store),
    )


def _before(step: Step, item: Item, store: Store) -> KeyPreimage | None:
    for key in store.histories.last(step.name):
        record = store.actions.get(key)
        if key != item.key and record is not None:
            return record.preimage
    return None
