"""The command line, in this process and as a process of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from msgspec import Struct

from modelpack.cli.main import run

ROOT = Path(__file__).parent.parent.parent
TIMEOUT_S = 600  # a build of nine checkpoints on a busy machine


class Answer(Struct, frozen=True):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str


def modelpack(*argv: str | Path) -> Answer:
    """The command's answer, run in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = run([str(word) for word in argv], out, err)
    return Answer(code, out.getvalue(), err.getvalue())


def modelpack_process(*argv: str | Path, cwd: Path | None = None, **environment: str) -> Answer:
    """The command's answer, run in a process of its own."""
    finished = subprocess.run(
        command(*argv),
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=cwd,
        env=environment_with(**environment),
    )
    return Answer(finished.returncode, finished.stdout, finished.stderr)


def command(*argv: str | Path) -> list[str]:
    """The words that start modelpack with these arguments."""
    return [sys.executable, "-m", "modelpack", *map(str, argv)]


def environment_with(**changes: str) -> dict[str, str]:
    """This environment with these changes, able to import modelpack and the tests from anywhere."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **changes}
