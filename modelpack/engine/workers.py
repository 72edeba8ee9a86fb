"""Worker processes: heavy steps run in spawned children with a time limit; a child that dies is a typed error."""

from __future__ import annotations

import os
import signal
import sys
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from multiprocessing.context import SpawnContext
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from pebble import ProcessExpired, ProcessPool

from modelpack.engine.worker import Call, prepare, work
from modelpack.errors import WorkerError
from modelpack.units import format_seconds

if TYPE_CHECKING:
    from multiprocessing.synchronize import RLock

_ATTEMPTS = 2  # a child killed by the system's memory killer deserves a second try, a crash that repeats does not
_STOP_TIMEOUT_S = 5.0
_STOP_ATTEMPTS = 100  # pebble's own threads may put a worker away while `join` does: KeyError, once for each at most


class Workers(Protocol):
    """Something that runs calls, several at once when called from several threads."""

    def run(self, call: Call, timeout_s: float) -> object:
        """The call's result. Raises: ModelpackError; WorkerError when the process died or ran out of time."""
        ...


class ProcessWorkers:
    """Workers in a pool of `count` processes, and one for each named pool; spawned when the first call comes."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pools: dict[str, ProcessPool] = {}
        self._calls: set[Future[object]] = set()
        self._is_stopped = False
        self._lock = Lock()

    def run(self, call: Call, timeout_s: float) -> object:
        """The call's result, from a worker process."""
        for attempt in range(1, _ATTEMPTS + 1):
            pool = self._started(call.pool)
            try:
                return self._result(_schedule(pool, call, timeout_s))
            except CancelledError as err:
                raise WorkerError("MP-E401", "the step was cancelled", where=call.label) from err
            except ProcessExpired as err:
                if attempt == _ATTEMPTS:
                    raise _crashed(call, err.exitcode) from err
            except (BrokenProcessPool, RuntimeError) as err:
                # All processes died at once, so that pebble gave the pool up.
                self._abandon(call.pool, pool)
                if attempt == _ATTEMPTS:
                    raise _crashed(call, None) from err
            except FutureTimeoutError as err:
                raise _too_slow(call, timeout_s) from err
        raise AssertionError  # the loop returns or raises

    def cancel(self) -> None:
        """Ends the calls that run now, each with its child. Children without one stay."""
        with self._lock:
            calls = tuple(self._calls)
        for call in calls:
            call.cancel()

    def stop(self) -> None:
        """Ends all children now, running or not. Calls that still run fail, and no child is spawned again."""
        with self._lock:
            self._is_stopped = True
            pools, self._pools = self._pools, {}
        for pool in pools.values():
            _end(pool)

    def _result(self, future: Future[object]) -> object:
        with self._lock:
            self._calls.add(future)
        try:
            return future.result()
        finally:
            with self._lock:
                self._calls.discard(future)

    def _started(self, name: str) -> ProcessPool:
        with self._lock:
            if self._is_stopped:
                raise WorkerError("MP-E401", "the build was stopped", remedy="run it again")
            if name not in self._pools:
                self._pools[name] = ProcessPool(
                    max_workers=1 if name else self._count,
                    context=_KeepsLocks(),
                    initializer=prepare,
                    initargs=[os.getpid(), name],
                )
            return self._pools[name]

    def _abandon(self, name: str, broken: ProcessPool) -> None:
        with self._lock:
            if self._pools.get(name) is broken:
                del self._pools[name]
        _end(broken)


class _KeepsLocks(SpawnContext):
    """Spawns processes with locks that live as long as the pool does.

    pebble lets go of its locks before it ends the children. A child that was still starting would not find them, and print
    a traceback.
    """

    def __init__(self) -> None:
        super().__init__()
        self._kept: list[RLock] = []

    def RLock(self) -> RLock:  # noqa: N802 (the name that multiprocessing gives it)
        """A lock, kept."""
        lock = super().RLock()
        self._kept.append(lock)
        return lock


def _schedule(pool: ProcessPool, call: Call, timeout_s: float) -> Future[object]:
    """The call's future. Threads that the pool starts, and so its children, never see Ctrl-C: the parent decides."""
    if sys.platform == "win32":
        return pool.schedule(work, args=[call], timeout=timeout_s)
    # A child ignores the signal itself, but only once it runs: until then it would print a traceback.
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        return pool.schedule(work, args=[call], timeout=timeout_s)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble annotates all but this
    for _ in range(_STOP_ATTEMPTS):
        with suppress(KeyError):
            pool.join(_STOP_TIMEOUT_S)
            return


def _too_slow(call: Call, timeout_s: float) -> WorkerError:
    return WorkerError(
        "MP-E402",
        f"took longer than its limit of {format_seconds(timeout_s)}",
        where=call.label,
        remedy="try again on an idle machine; report it if it persists",
    )


def _crashed(call: Call, exit_status: int | None) -> WorkerError:
    return WorkerError(
        "MP-E401",
        f"the worker process died ({_status_name(exit_status)}), twice",
        where=call.label,
        remedy="the model crashes a native library; report it with the model if you can share it",
    )


def _status_name(exit_status: int | None) -> str:
    if exit_status is None:
        return "for an unknown reason"  # pebble saw all of them gone before it could ask one
    if exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"
