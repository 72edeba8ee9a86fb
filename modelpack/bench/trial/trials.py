"""Each variant of a build, run once in a real browser: what was tried before is remembered, what fails is named.

1. A trial's verdict is remembered by content: the variant, its samples, the release of onnxruntime-web and the browser.
   Failures are not remembered. With all of them known, no browser is started.
2. What cannot be tried is said and passes, or, where the configuration wants every variant tried, fails.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack

from msgspec import Struct

from modelpack.bench.trial.abilities import browser_text, check_abilities
from modelpack.bench.trial.lab import Lab
from modelpack.bench.trial.place import browser_files, find_place, missing_files
from modelpack.bench.trial.subject import Subject, subject_of
from modelpack.engine.runner import Listener, recall
from modelpack.engine.trials import Tried
from modelpack.engine.workers import Workers
from modelpack.errors import BenchError, CompatibilityError, ModelpackError, StoreError
from modelpack.keys import step_key
from modelpack.plan import variant_target
from modelpack.record import StepEvent, StepResult, TaskResult
from modelpack.spec.project import Model, Project
from modelpack.store.actions import ActionRecord
from modelpack.store.store import Store

_NO_BROWSER = "MP-E802"


class Order(Struct, frozen=True):
    """A project whose variants are to be tried, and who works, remembers and listens. `force`: whatever is remembered."""

    project: Project
    store: Store
    workers: Workers
    listen: Listener
    force: bool = False


class BrowserTrials(Struct, frozen=True):
    """Tries variants in a browser of this machine: what a build calls."""

    order: Order

    def __call__(self, models: tuple[Model, ...], results: Mapping[str, TaskResult], /) -> Tried:
        """What became of every variant of these models."""
        order = self.order
        try:
            place = find_place(order.project)
        except BenchError as err:
            return _untried(order, models, err)
        subjects = [
            subject_of(model, variant, results, order.store)
            for model in models
            for variant in model.variants
        ]
        with ExitStack() as stack:
            lab = Lab(place, order.store, order.workers, stack)
            try:
                return _all_tried(order, lab, subjects)
            except BenchError as err:
                return _untried(order, models, err)


def _all_tried(order: Order, lab: Lab, subjects: list[Subject]) -> Tried:
    """Raises: BenchError MP-E802 if the browser does not start, StoreError MP-E701 if a blob is lost."""
    errors: list[ModelpackError] = []
    failed: set[str] = set()
    notes: dict[str, tuple[str, ...]] = {}
    for subject in subjects:
        try:
            notes[subject.target] = _tried(order, lab, subject)
        except ModelpackError as err:
            if err.code == _NO_BROWSER or isinstance(err, StoreError):
                raise
            if isinstance(err, CompatibilityError):
                errors.append(err)
                failed.add(subject.model.id)
            elif order.project.tried == "always":
                errors.append(_required(err, subject.target))
                failed.add(subject.model.id)
            else:
                notes[subject.target] = (_note(err),)
    return Tried(tuple(errors), frozenset(failed), notes, browser_files(lab.place))


def _tried(order: Order, lab: Lab, subject: Subject) -> tuple[str, ...]:
    """What is to be said of a variant that runs as it should."""
    abilities, name = lab.abilities(), lab.place.choice.name
    check_abilities(subject.variant, abilities, name)
    browser = browser_text(subject.variant, abilities, name)
    preimage = subject.preimage(browser, lab.place.runtime.version)
    key, step = step_key(preimage), f"browser:{subject.target}"
    known = None if order.force else recall(order.store, key)
    if known is not None:
        order.listen(StepEvent(step, "cached", done=1, total=1))
        return known.notes
    order.listen(StepEvent(step, "started", total=1))
    began_s = time.monotonic()
    try:
        notes = lab.run(subject, browser)
    except ModelpackError as err:
        order.listen(StepEvent(step, "failed", time.monotonic() - began_s, error=str(err)))
        raise
    order.store.actions.put(ActionRecord(key, preimage, StepResult((), (), notes)))
    order.listen(StepEvent(step, "finished", time.monotonic() - began_s, 1, 1))
    return notes


def _untried(order: Order, models: tuple[Model, ...], err: BenchError) -> Tried:
    """Nothing can be tried here. Without any onnxruntime-web, the step `compatibility` has said so."""
    absent = missing_files() if err.code == _NO_BROWSER else ()
    if order.project.tried == "always":
        failed = frozenset(model.id for model in models)
        return Tried((_required(err, "compatibility.browser"),), failed)
    if not order.project.web_release:
        return Tried()
    targets = [variant_target(model, variant) for model in models for variant in model.variants]
    return Tried(notes=dict.fromkeys(targets, (_note(err),)), absent=absent)


def _note(err: ModelpackError) -> str:
    return f"browser: not run in one: {err.message}; {err.remedy}, or write `browser = false` in [compatibility]"


def _required(err: ModelpackError, where: str) -> BenchError:
    found = f"{err.message}, and every variant must run in a browser"
    remedy = f'{err.remedy}, or write `browser = "auto"` in [compatibility]'
    return BenchError(err.code, found, where=err.where or where, remedy=remedy)
