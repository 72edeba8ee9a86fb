"""Everything that is measured of one variant, in order: natively, then in the browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import msgspec
from msgspec import Struct

from modelpack.bench.browser import (
    BrowserBench,
    Setting,
    adapter_at,
    measure_in_browser,
    site_of,
)
from modelpack.bench.effort import Effort
from modelpack.bench.native import NativeRequest, NativeResult
from modelpack.bench.subject import Subject
from modelpack.bench.visit import Adapter
from modelpack.bench.working import worked
from modelpack.engine.worker import Call
from modelpack.engine.workers import Workers
from modelpack.measured import Run

_TIMEOUT_S: Final = 3600.0
_ELSEWHERE: Final = "measure it on a machine whose graphics processor has it"


class Wishes(Struct, frozen=True):
    """How a variant is to be run: thread counts in order, whether natively, and in the browser with which slow-downs."""

    threads: tuple[int, ...]
    effort: Effort
    native: bool
    slowdowns: tuple[float, ...] = ()


def measure_natively(
    subject: Subject, wishes: Wishes, fresh_workers: Callable[[], AbstractContextManager[Workers]]
) -> Iterator[Run]:
    """A run for each number of threads, each in a fresh process; the first with its operators."""
    for threads in wishes.threads:
        is_first = threads == wishes.threads[0]
        with TemporaryDirectory(prefix="modelpack-") as scratch:
            request = NativeRequest(
                subject.graph,
                subject.samples,
                subject.prepared.timed,
                subject.model.state,
                threads,
                wishes.effort,
                Path(scratch) if is_first else None,
            )
            call = Call("modelpack.bench.native", "measure_native", request, subject.target)
            with fresh_workers() as workers:
                found = worked(workers.run(call, _TIMEOUT_S), NativeResult)
        yield _native_run(found, threads)


def measure_in_browsers(
    bench: BrowserBench, subject: Subject, wishes: Wishes, note: Callable[[str], None]
) -> Iterator[Run]:
    """A run for each number of threads, then one for each slow-down; the first also judges the golden set.

    A WebGPU variant has no threads. Where the browser has no adapter that can run it, `note` is told and nothing is measured.
    """
    with (
        TemporaryDirectory(prefix="modelpack-") as outputs,
        site_of(bench, subject, Path(outputs)) as place,
    ):
        adapter = adapter_at(bench, place) if subject.variant.device == "webgpu" else None
        missing = _missing(bench, subject, adapter)
        if missing:
            note(f"{subject.target} is not measured: {missing}")
            return
        for setting in _settings(subject, wishes):
            run = measure_in_browser(bench, subject, place, setting)
            yield msgspec.structs.replace(run, adapter=adapter.name if adapter else "")


def _missing(bench: BrowserBench, subject: Subject, adapter: Adapter | None) -> str:
    """What the browser lacks for the variant, and what to do about it; empty where it lacks nothing."""
    if subject.variant.device == "wasm":
        return ""
    if subject.variant.device == "webnn":
        return "no browser that can be driven without a window has WebNN; measure it in a page"
    browser = bench.choice.name
    if adapter is None:
        emulated = "; --software-gpu emulates one, for the accuracy" if _can_emulate(bench) else ""
        return f"{browser} has no WebGPU adapter here{emulated}"
    lacking = [name for name in subject.features if name not in adapter.features]
    if lacking:
        return (
            f"{browser}'s WebGPU adapter ({adapter.name}) lacks {', '.join(lacking)}; {_ELSEWHERE}"
        )
    return ""


def _can_emulate(bench: BrowserBench) -> bool:
    return bench.choice.is_chromium and not bench.choice.software_gpu


def _settings(subject: Subject, wishes: Wishes) -> Iterator[Setting]:
    threads = wishes.threads if subject.variant.device == "wasm" else (1,)
    for count in threads:
        yield Setting(count, judged=count == threads[0])
    for slowdown in wishes.slowdowns:
        yield Setting(1, slowdown)


def _native_run(found: NativeResult, threads: int) -> Run:
    version = metadata.version("onnxruntime")
    profile = found.profile
    return Run(
        engine="native",
        version=version,
        runtime=f"onnxruntime {version}",
        device="cpu",
        threads=threads,
        memory_bytes=found.memory_bytes,
        operators=profile.operators if profile else (),
        nodes=profile.nodes if profile else (),
        **msgspec.structs.asdict(found.figures),
    )
