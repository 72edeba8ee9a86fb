"""The child's side of the worker pool: what runs in a spawned process. Imports nothing heavy itself."""

from __future__ import annotations

import importlib
import os
import shutil
import signal
import sys
import threading
import time
import traceback
import warnings
from pathlib import Path

from msgspec import Struct

from modelpack.errors import ModelpackError, StepError

_PARENT_POLL_S = 0.5


class Call(Struct, frozen=True):
    """A function of an importable module, and its one argument. Everything must be picklable.

    What an attempt that died left in `folder` is deleted before the next one.
    Calls with the same `pool` share one worker of that name; the others share all workers.
    """

    module: str
    function: str
    argument: object
    label: str
    folder: Path | None = None
    pool: str = ""


def prepare(parent_pid: int, pool: str = "") -> None:
    """Makes this process a quiet worker that ends with its parent and computes each product in one thread."""
    if not pool:
        # onnxsim imports torch where it is installed, and needs it for nothing that we call: 1.6 s and 200 MB a worker.
        sys.modules["torch"] = None  # type: ignore[assignment]  # how Python spells "cannot be imported"
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # the parent decides; Ctrl-C reaches the whole group
    _end_with_parent(parent_pid)
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"  # sums come in one order, and cores are shared by workers
    os.environ["HF_HUB_OFFLINE"] = "1"
    for secret in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"):
        os.environ.pop(secret, None)  # nothing here may speak to a hub
    warnings.simplefilter("ignore")
    _silence()


def work(call: Call) -> object:
    """The function's result. Raises: ModelpackError; anything unexpected arrives as StepError MP-E403."""
    try:
        if call.folder is not None:
            _empty(call.folder)
        function = getattr(importlib.import_module(call.module), call.function)
        result: object = function(call.argument)
    except ModelpackError as err:
        raise _placed(err, call.label) from err
    except MemoryError as err:
        raise StepError(
            "MP-E403",
            "ran out of memory",
            where=call.label,
            remedy="close other programs, or build with --jobs 1",
        ) from err
    except Exception as err:
        # The one place where anything is caught: a library's surprise must not take the pool down.
        failure = StepError(
            "MP-E403",
            f"{type(err).__name__}: {_first_line(err)}",
            where=call.label,
            remedy="run again with --debug and report it with the model if you can share it",
        )
        failure.details = traceback.format_exc()
        raise failure from err
    return result


def _empty(folder: Path) -> None:
    shutil.rmtree(folder)
    folder.mkdir()


def _placed(err: ModelpackError, label: str) -> ModelpackError:
    where = f"{label}, {err.where}" if err.where else label
    return type(err)(err.code, err.message, where=where, remedy=err.remedy)


def _first_line(err: Exception) -> str:
    lines = str(err).strip().splitlines()
    return lines[0][:300] if lines else "no message"


def _end_with_parent(parent_pid: int) -> None:
    # Not PR_SET_PDEATHSIG: it fires when the parent's *thread* that spawned us ends, which is one of doit's.
    threading.Thread(target=_watch_parent, args=(parent_pid,), daemon=True).start()


def _watch_parent(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(_PARENT_POLL_S)
    os._exit(1)


def _silence() -> None:
    # onnxsim and onnxruntime write to the file descriptors; the terminal belongs to the parent.
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    if not os.environ.get("MODELPACK_DEBUG"):
        os.dup2(quiet, 2)
    os.close(quiet)
