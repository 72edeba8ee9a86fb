"""A variant in a browser: visits that are timed, one that is watched from outside, and the golden set's outputs judged."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from modelpack.bench.accuracy import Judging
from modelpack.bench.browsers import Choice
from modelpack.bench.copies import tensor_copies
from modelpack.bench.driver import Driver
from modelpack.bench.effort import Effort, figures_of
from modelpack.bench.memory import watched
from modelpack.bench.places import PAGE, Parts
from modelpack.bench.site import Folders, open_site
from modelpack.bench.subject import Subject
from modelpack.bench.visit import Adapter, Request, Visited, find_adapter, page_at, visit
from modelpack.bench.working import worked
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.measured import Run
from modelpack.record import Evaluation

_TIMEOUT_S: Final = 3600.0
_MEMORY_RUNS: Final = 5


class BrowserBench(Struct, frozen=True):
    """A browser that runs, the parts of the page, and how long to measure."""

    driver: Driver
    choice: Choice
    parts: Parts
    models: Path
    workers: Workers
    effort: Effort


class Setting(Struct, frozen=True):
    """One way to run the variant in the browser.

    Slowed down, it runs in the page: Chromium 156 throttles a page's own thread, and none of its workers.
    """

    threads: int
    slowdown: float = 1.0
    judged: bool = False


class Place(Struct, frozen=True):
    """A site that is open, and the folder of the outputs that it takes."""

    origin: str
    outputs: Path


@contextmanager
def site_of(bench: BrowserBench, subject: Subject, outputs: Path) -> Iterator[Place]:
    """The site of the subject, while the block runs."""
    served = {
        "bench": PAGE,
        "loader": bench.parts.loader,
        "ort": bench.parts.runtime,
        "models": bench.models,
    }
    with open_site(Folders(served, subject.samples, outputs)) as origin:
        yield Place(origin, outputs)


def adapter_at(bench: BrowserBench, place: Place) -> Adapter | None:
    """The WebGPU adapter of the browser; None where it has none."""
    with page_at(bench.driver, place.origin) as page:
        return find_adapter(page)


def measure_in_browser(
    bench: BrowserBench, subject: Subject, place: Place, setting: Setting
) -> Run:
    """The figures of one setting. Raises: BenchError MP-E804 if the variant does not run there."""
    effort = bench.effort
    request = Request(
        subject.model.id,
        subject.variant.id,
        subject.variant.device,
        setting.threads,
        subject.prepared.timed,
        effort.warmup,
        effort.runs_per_visit,
        effort.seconds_per_visit,
        in_page=setting.slowdown != 1,
    )
    # The golden set runs at the end of the first visit, when nothing is timed any more.
    judged = subject.prepared.samples if setting.judged and subject.step else 0
    first = msgspec.structs.replace(request, judged=judged)
    others = [request] * (effort.visits - 1)
    visits = [_visited(bench, place, setting.slowdown, each) for each in (first, *others)]
    figures = figures_of([one.times for one in visits])
    return Run(
        engine=bench.choice.name,
        version=bench.driver.version,
        runtime=f"onnxruntime-web {bench.parts.runtime_version}",
        device=subject.variant.device,
        threads=setting.threads,
        slowdown=setting.slowdown,
        memory_bytes=_peak_memory(bench, place, request) if setting.slowdown == 1 else None,
        heap_bytes=visits[0].heap,
        golden=subject.golden if setting.judged else "",
        accuracy=_accuracy(bench, subject, place) if judged else None,
        copies=() if request.in_page else tensor_copies(visits[0].tensors, subject.variant.device),
        **msgspec.structs.asdict(figures),
    )


def _visited(bench: BrowserBench, place: Place, slowdown: float, request: Request) -> Visited:
    with page_at(bench.driver, place.origin, slowdown) as page:
        return visit(page, request)


def _peak_memory(bench: BrowserBench, place: Place, request: Request) -> int:
    few = msgspec.structs.replace(request, warmup=0, runs=_MEMORY_RUNS, seconds=0.0)
    with page_at(bench.driver, place.origin) as page, watched() as peak:
        visit(page, few)
    return peak.bytes


def _accuracy(bench: BrowserBench, subject: Subject, place: Place) -> Evaluation | None:
    if subject.step is None:
        return None
    judging = Judging(subject.step, place.outputs)
    call = Call("modelpack.bench.accuracy", "judge_outputs", judging, subject.target)
    return worked(bench.workers.run(call, _TIMEOUT_S), Evaluation)
