"""The command line: finds the command, runs it, turns every failure into one line and an exit code."""

from __future__ import annotations

import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from typing import TextIO

from modelpack.cli.fast import answer_unchanged

_INTERRUPTED = 130
_TERMINATED = 143
_INTERNAL = 7


class Terminated(BaseException):
    """SIGTERM or SIGHUP, as an exception, so that every `with` block puts its things away."""


def run(argv: Sequence[str], out: TextIO, err: TextIO) -> int:  # noqa: PLR0911 (one for each way to end)
    """Runs one command line and returns its exit code."""
    if answer_unchanged(argv, out, err):
        return 0
    # Only now: a build that has nothing to do should not pay for argparse and all that follows.
    from modelpack.cli.dispatch import dispatch  # noqa: PLC0415
    from modelpack.errors import ModelpackError  # noqa: PLC0415
    from modelpack.report.words import one_line  # noqa: PLC0415

    debug = "--debug" in argv
    try:
        with _Signals():
            return dispatch(argv, out, err)
    except ModelpackError as error:
        # Names from models and files may hold terminal escapes.
        err.writelines(f"{one_line(str(one))}\n" for one in (error, *error.others))
        if debug and error.details:
            err.write(error.details)
        return error.exit_code
    except KeyboardInterrupt:
        err.write("interrupted\n")
        return _INTERRUPTED
    except Terminated:
        err.write("terminated\n")
        return _TERMINATED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception:  # noqa: BLE001 (the last place; unknown errors print all of it and ask for a report)
        traceback.print_exc(file=err)
        err.write("MP-E900 this is a bug in modelpack — please report it with the lines above\n")
        return _INTERNAL


class _Signals:
    """While it lasts, SIGTERM and SIGHUP raise Terminated."""

    def __enter__(self) -> None:
        handlers = {number: signal.getsignal(number) for number in _ending_signals()}
        # nohup and its like ask us to ignore one of them.
        self._previous = {
            number: handler for number, handler in handlers.items() if handler != signal.SIG_IGN
        }
        for number in self._previous:
            signal.signal(number, _raise_terminated)

    def __exit__(self, *_exception: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


def _ending_signals() -> list[signal.Signals]:
    if threading.current_thread() is not threading.main_thread():
        return []  # only the main thread may; whoever runs us elsewhere handles signals
    # Windows has no SIGHUP.
    return [number for number in signal.Signals if number.name in {"SIGTERM", "SIGHUP"}]


def _raise_terminated(_number: int, _frame: object) -> None:
    raise Terminated
