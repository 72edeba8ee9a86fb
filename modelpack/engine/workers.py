"""Worker processes: heavy steps run in spawned children with a time limit; a child that dies is a typed error."""

from __future__ import annotations

import multiprocessing
import os
import signal
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from concurrent.futures.process import BrokenProcessPool
from threading import Lock
from typing import Protocol

from pebble import ProcessExpired, ProcessPool

from modelpack.engine.worker import Call, prepare, work
from modelpack.errors import WorkerError
from modelpack.units import format_seconds

_ATTEMPTS = 2  # a child killed by the system's memory killer deserves a second try, a crash that repeats does not
_STOP_TIMEOUT_S = 5.0


class Workers(Protocol):
    """Something that runs calls, several at once when called from several threads."""

    def run(self, call: Call, timeout_s: float) -> object:
        """The call's result. Raises: ModelpackError; WorkerError when the process died or ran out of time."""
        ...


class ProcessWorkers:
    """Workers in a pool of `count` processes, spawned when the first call comes."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPool | None = None
        self._lock = Lock()

    def run(self, call: Call, timeout_s: float) -> object:
        """The call's result, from a worker process."""
        for attempt in range(1, _ATTEMPTS + 1):
            pool = self._started()
            try:
                future: Future[object] = pool.schedule(work, args=[call], timeout=timeout_s)
                return future.result()
            except ProcessExpired as err:
                if attempt == _ATTEMPTS:
                    raise _crashed(call, err.exitcode) from err
            except (BrokenProcessPool, RuntimeError) as err:
                # All processes died at once, so that pebble gave the pool up.
                self._abandon(pool)
                if attempt == _ATTEMPTS:
                    raise _crashed(call, None) from err
            except FutureTimeoutError as err:
                raise _too_slow(call, timeout_s) from err
        raise AssertionError  # the loop returns or raises

    def stop(self) -> None:
        """Ends all children now, running or not."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            _end(pool)

    def _started(self) -> ProcessPool:
        with self._lock:
            if self._pool is None:
                self._pool = ProcessPool(
                    max_workers=self._count,
                    context=multiprocessing.get_context("spawn"),
                    initializer=prepare,
                    initargs=[os.getpid()],
                )
            return self._pool

    def _abandon(self, broken: ProcessPool) -> None:
        with self._lock:
            if self._pool is broken:
                self._pool = None
        _end(broken)


def _end(pool: ProcessPool) -> None:
    pool.stop()  # type: ignore[no-untyped-call]  # pebble annotates all but this
    pool.join(_STOP_TIMEOUT_S)


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
    if exit_status is None or exit_status >= 0:
        return f"exit status {exit_status}"
    try:
        return signal.Signals(-exit_status).name
    except ValueError:
        return f"signal {-exit_status}"
