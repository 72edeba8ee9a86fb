from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.cli import ROOT


def test_architecture_keeps_every_contract() -> None:
    linter = Path(sys.executable).parent / "lint-imports"
    finished = subprocess.run(
        [str(linter), "--no-cache"],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
    )
    assert finished.returncode == 0, finished.stdout
    assert " 0 broken" in finished.stdout
