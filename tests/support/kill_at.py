"""`python kill_at.py N ARGUMENTS…`: modelpack, killed at its N-th change to the file system; N = 0 only counts them.

A script of its own, not part of modelpack: it puts itself in front of the functions of `os` that change names or sync.
Odd changes are still made before the process dies, even ones are not.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

CHANGES = ("replace", "rename", "unlink", "mkdir", "rmdir", "fsync", "utime", "chmod")


class Killer:
    """Counts changes and dies at the one that was asked for."""

    def __init__(self, fatal: int) -> None:
        self.count = 0
        self.fatal = fatal

    def around(self, function: Callable[..., object]) -> Callable[..., object]:
        def changed(*arguments: object, **options: object) -> object:
            self.count += 1
            is_fatal = self.count == self.fatal
            if is_fatal and self.fatal % 2 == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            try:
                return function(*arguments, **options)
            finally:
                if is_fatal:
                    os.kill(os.getpid(), signal.SIGKILL)

        return changed


def main() -> int:
    killer = Killer(int(sys.argv[1]))
    for name in CHANGES:
        setattr(os, name, killer.around(getattr(os, name)))
    from modelpack.cli.main import run  # noqa: PLC0415 - only now: nothing may keep the plain functions

    code = run(sys.argv[2:], sys.stdout, sys.stderr)
    if not killer.fatal:
        print(killer.count)  # noqa: T201 - what was asked for
    return code


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent.parent.parent))
    sys.exit(main())
