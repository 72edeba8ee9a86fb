"""A whole `modelpack bench`: everything that measuring needs is opened first, so that what is missing is said at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from msgspec import Struct

from modelpack.bench.browser import BrowserBench
from modelpack.bench.browsers import check_slowdown, choose_browser, started
from modelpack.bench.measuring import Wishes, measure_in_browsers, measure_natively
from modelpack.bench.places import find_parts
from modelpack.bench.subject import Bench, Subject, open_bench
from modelpack.engine.checking import read_standing
from modelpack.engine.workers import ProcessWorkers, Workers
from modelpack.measured import Run
from modelpack.spec.project import Model, Project
from modelpack.spec.variants import Variant
from modelpack.store.store import Store


class Session(Struct, frozen=True):
    """What measures: `browser` is None where only native figures are wanted."""

    bench: Bench
    browser: BrowserBench | None
    wishes: Wishes


class Listener(Struct, frozen=True):
    """Who is told of each run of a variant (by name), and of what could not be measured."""

    ran: Callable[[str, Run], None]
    note: Callable[[str], None]


class Measured(Struct, frozen=True):
    """A variant, its digest, and its runs."""

    model: Model
    variant: Variant
    digest: str
    runs: tuple[Run, ...]


class Order(Struct, frozen=True):
    """What is asked for: in which browser (None: in none), and how."""

    project: Project
    browser: str | None
    software_gpu: bool
    wishes: Wishes


@contextmanager
def open_session(order: Order, whole: Project, store: Store) -> Iterator[Session]:
    """A session for the order. Raises: BenchError if something is missing, ManifestError MP-E711 if nothing is published."""
    parts = choice = None
    if order.browser is not None:
        parts = find_parts(whole.config.parent)
        choice = choose_browser(order.browser, software_gpu=order.software_gpu)
        if order.wishes.slowdowns:
            check_slowdown(choice)
    manifest = read_standing(whole).manifest
    with ExitStack() as stack:
        workers = stack.enter_context(fresh_workers())
        bench = open_bench(order.project, manifest, store, workers)
        browser = None
        if parts is not None and choice is not None:
            driver = stack.enter_context(started(choice))
            models, effort = whole.output.path, order.wishes.effort
            browser = BrowserBench(driver, choice, parts, models, workers, effort)
        yield Session(bench, browser, order.wishes)


def measure(session: Session, listener: Listener) -> Iterator[Measured]:
    """Every variant of the project, measured one after the other. Raises: BenchError, StepError."""
    for model in session.bench.project.models:
        for variant in model.variants:
            with session.bench.subject(model, variant) as subject:
                runs = []
                for run in _runs(session, subject, listener):
                    listener.ran(subject.target, run)
                    runs.append(run)
                yield Measured(model, variant, subject.digest, tuple(runs))


@contextmanager
def fresh_workers() -> Iterator[Workers]:
    """Worker processes for one block: in a new process, peak memory is that of what runs in it."""
    workers = ProcessWorkers(1)
    try:
        yield workers
    finally:
        workers.stop()


def _runs(session: Session, subject: Subject, listener: Listener) -> Iterator[Run]:
    if session.wishes.native:
        yield from measure_natively(subject, session.wishes, fresh_workers)
    if session.browser is not None:
        yield from measure_in_browsers(session.browser, subject, session.wishes, listener.note)
