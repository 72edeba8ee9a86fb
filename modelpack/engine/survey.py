"""What a build would do, found out without doing it: for `--dry-run` and `why`."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from modelpack.engine.inputs import Inputs
from modelpack.engine.runner import Item, plan_items
from modelpack.engine.schedule import needs
from modelpack.errors import UsageError
from modelpack.keys import KeyPreimage
from modelpack.record import StepForecast, TaskResult
from modelpack.report.why import explain
from modelpack.spec import Plan, Step
from modelpack.store.store import Store


class Explanation(Struct, frozen=True, rename="camel"):
    """Why a step would run, or why it ran last time."""

    step: str
    state: str
    reasons: tuple[str, ...]


class Survey:
    """Looks at each step of a plan in order: is it cached, would it run, or can that not be known yet?"""

    def __init__(self, plan: Plan, store: Store) -> None:
        self._plan = plan
        self._store = store
        self._inputs = Inputs(store)
        self._results: dict[str, TaskResult] = {}
        self._items: dict[str, tuple[Item, ...]] = {}
        self.forecasts = {step.name: self._forecast(step) for step in plan.steps}

    def explain(self, name: str) -> Explanation:
        """Why this step would run, or what made it run last time. Raises: UsageError MP-E116."""
        if name not in self.forecasts:
            raise UsageError(
                "MP-E116", f'no step is called "{name}"', remedy="modelpack graph lists them all"
            )
        forecast = self.forecasts[name]
        items = self._items.get(name, ())
        if len(items) != 1 or items[0].name:
            return Explanation(name, forecast.state, (forecast.reason,))
        return Explanation(name, forecast.state, tuple(self._reasons(name, items[0], forecast)))

    def _reasons(self, name: str, item: Item, forecast: StepForecast) -> Iterator[str]:
        earlier = [key for key in self._store.histories.last(name) if key != item.key]
        if forecast.state == "cached":
            yield "nothing changed since it last ran"
        if not earlier:
            if forecast.state != "cached":
                yield "it never ran in this project"
            return
        record = self._store.actions.get(earlier[0])
        if record is None:
            yield "the cache no longer holds what its previous run followed from"
            return
        when = "before that: " if forecast.state == "cached" else ""
        yield from (when + reason for reason in explain(record.preimage, item.preimage))

    def _forecast(self, step: Step) -> StepForecast:
        waits = [name for name in needs(step) if name not in self._results]
        if waits:
            return StepForecast(step.name, "unknown", f"depends on {', '.join(waits)}")
        items = self._items[step.name] = plan_items(step, self._inputs.resolve(step, self._results))
        records = [(item, self._store.recall(item.key)) for item in items]
        missing = sum(result is None for _, result in records)
        if missing:
            return StepForecast(step.name, "run", self._missing(step, items, missing))
        self._results[step.name] = TaskResult(
            tuple((item.name, result) for item, result in records if result is not None)
        )
        return StepForecast(step.name, "cached", "")

    def _missing(self, step: Step, items: tuple[Item, ...], missing: int) -> str:
        if step.mapped_over is not None:
            return f"{missing} of {len(items)} {step.mapped_over}s are new"
        previous = self._previous(step, items[0])
        return ", ".join(explain(previous, items[0].preimage)) if previous else "never ran"

    def _previous(self, step: Step, item: Item) -> KeyPreimage | None:
        for key in self._store.histories.last(step.name):
            record = self._store.actions.get(key)
            if record is not None and key != item.key:
                return record.preimage
        return None
