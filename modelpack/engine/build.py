"""One build from project to published files: run the plan, judge, publish, say what happened."""

from __future__ import annotations

import time
from pathlib import Path

from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.engine.admission import Admission
from modelpack.engine.inputs import SourceChangedError
from modelpack.engine.machine import usable_memory_bytes
from modelpack.engine.packing import evaluation_of, pack_model, packed_chunks
from modelpack.engine.reporting import variant_reports
from modelpack.engine.runner import Listener, Runner
from modelpack.engine.schedule import run_plan
from modelpack.engine.workers import Workers
from modelpack.errors import FrozenError, ModelpackError
from modelpack.judge.budgets import exit_code, judge_variant
from modelpack.plan import make_plan
from modelpack.record import BuildReport, Verdict
from modelpack.spec import Mode, Model, Plan, Project
from modelpack.store.store import Store

_ATTEMPTS = 2  # a source that changes under a build is waited for once


class Request(Struct, frozen=True):
    """What the command line asks for. `whole` is the project before anything was selected from it."""

    whole: Project
    mode: Mode
    force: bool = False
    frozen: bool = False
    keep_going: bool = False
    jobs: int = 1


class Outcome(Struct, frozen=True):
    """How a build ended, and the files it read: what the fast path has to watch."""

    report: BuildReport
    exit_code: int
    read: tuple[Path, ...]
    written: tuple[Path, ...]


def run_steps(
    plan: Plan, request: Request, store: Store, workers: Workers, listen: Listener
) -> Runner:
    """Runs the plan and gives back the runner with results and failures. Starts over once if a source changed."""
    runner = _run_once(plan, request, store, workers, listen)
    for _ in range(_ATTEMPTS - 1):
        if not any(isinstance(err, SourceChangedError) for err in runner.failures.values()):
            break
        runner = _run_once(plan, request, store, workers, listen)
    store.stat_cache.save()
    return runner


def _run_once(
    plan: Plan, request: Request, store: Store, workers: Workers, listen: Listener
) -> Runner:
    runner = Runner(store, workers, Admission(usable_memory_bytes()), listen)
    run_plan(
        plan,
        lambda step: runner.is_current(step, forced=request.force),
        lambda step: runner.execute(step, forced=request.force),
        threads=request.jobs + 2,  # some only wait for the chunks of a mapped step
        keep_going=request.keep_going,
    )
    return runner
