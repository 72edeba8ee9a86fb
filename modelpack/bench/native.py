"""A variant in onnxruntime on this machine's processor. Runs in a worker process of its own, so that its peak memory is its own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
from msgspec import Struct

from modelpack.bench.effort import Effort, Figures, Times, figures_of
from modelpack.bench.packs import Feeds, decode_feeds
from modelpack.bench.peak import peak_bytes
from modelpack.bench.profile import Profile, profile_of
from modelpack.graph.sessions import Array
from modelpack.spec.golden import StatePair

_LOG_ERRORS_ONLY = 3


class NativeRequest(Struct, frozen=True):
    """What to measure: a graph on the first `timed` packs in `samples`; with a `scratch` folder, also its operators."""

    graph: Path
    samples: Path
    timed: int
    state: tuple[StatePair, ...]
    threads: int
    effort: Effort
    scratch: Path | None = None


class NativeResult(Struct, frozen=True):
    """What was measured. `memory_bytes` is None where the system does not say."""

    figures: Figures
    memory_bytes: int | None
    profile: Profile | None


def measure_native(request: NativeRequest) -> NativeResult:
    """Load, first inference and later inferences of some visits, and the peak memory of the first one."""
    feeds = [
        decode_feeds((request.samples / str(index)).read_bytes()) for index in range(request.timed)
    ]
    before = peak_bytes()
    visits = [_visit(request, feeds)]
    after = peak_bytes()
    visits += [_visit(request, feeds) for _ in range(request.effort.visits - 1)]
    return NativeResult(
        figures_of(visits),
        None if before is None or after is None else after - before,
        _profile(request, feeds) if request.scratch else None,
    )


def _visit(request: NativeRequest, feeds: list[Feeds]) -> Times:
    effort = request.effort
    began_s = time.perf_counter()
    session = ort.InferenceSession(request.graph, _options(request), ["CPUExecutionProvider"])
    load_s = time.perf_counter() - began_s
    calls = _endless(session, feeds, request.state)
    first_s = next(calls)
    for _ in range(effort.warmup):
        next(calls)
    later: list[float] = []
    until_s = time.perf_counter() + effort.seconds_per_visit
    while len(later) < effort.runs_per_visit or time.perf_counter() < until_s:
        later.append(next(calls))
    return Times(load_s, first_s, tuple(later))


def _profile(request: NativeRequest, feeds: list[Feeds]) -> Profile:
    options = _options(request)
    graph = Path(str(request.scratch)) / "optimized.onnx"
    options.enable_profiling = True
    options.profile_file_prefix = str(graph.with_name("profile"))
    options.optimized_model_filepath = str(graph)
    session = ort.InferenceSession(request.graph, options, ["CPUExecutionProvider"])
    calls = _endless(session, feeds, request.state)
    for _ in range(request.effort.warmup + request.effort.runs_per_visit):
        next(calls)
    return profile_of(Path(session.end_profiling()), graph)


def _options(request: NativeRequest) -> ort.SessionOptions:
    options = ort.SessionOptions()
    options.intra_op_num_threads = request.threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS_ONLY
    return options


def _endless(
    session: ort.InferenceSession, feeds: list[Feeds], state: tuple[StatePair, ...]
) -> Iterator[float]:
    """The seconds of one call after the other: every step of every sample, and then from the beginning again."""
    names = [output.name for output in session.get_outputs()]
    while True:
        for sample in feeds:
            held: dict[str, Array] = {
                name: np.ascontiguousarray(array) for name, array in sample.state.items()
            }
            for step in sample.steps:
                given = {**step, **held}
                began_s = time.perf_counter()
                outputs = dict(zip(names, session.run(names, given), strict=True))
                yield time.perf_counter() - began_s
                held = {pair.input: outputs[pair.output] for pair in state if pair.input in held}
