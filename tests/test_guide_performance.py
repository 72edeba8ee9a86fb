"""docs/guide/performance.md, executed from top to bottom in a copy of examples/digits."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from modelpack.bench.browsers import choose_browser
from modelpack.bench.places import find_parts
from modelpack.errors import BenchError
from tests.support.cli import ROOT, modelpack

GUIDE = (ROOT / "docs" / "guide" / "performance.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(console|toml)\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "console" for line in text.splitlines()]
QUICK = ("--visits", "1", "--warmup", "1", "--runs", "3", "--seconds", "0", "--threads", "1")
BUDGET = re.compile(r"^\[models\.digits\.budget\]\n.*?(?=^\[)", re.MULTILINE | re.DOTALL)


def can_bench(folder: Path) -> bool:
    """Whether this machine has what `bench` needs."""
    try:
        find_parts(folder)
        choose_browser("")
    except BenchError:
        return False
    return True


def without_measured_limits(text: str) -> str:
    return re.sub(r"^(memory|first_inference|latency_p95) = .*\n", "", text, flags=re.MULTILINE)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "digits"
    ignored = shutil.ignore_patterns("public", ".modelpack", "modelpack.*.json", "node_modules")
    shutil.copytree(ROOT / "examples" / "digits", folder, ignore=ignored)
    (folder / ".git").mkdir()
    if (ROOT / "node_modules").is_dir():
        (folder / "node_modules").symlink_to(ROOT / "node_modules")
    return folder


def test_guide_goes_through_every_stage() -> None:
    words = {shlex.split(line)[2] for line in COMMANDS}
    assert words == {"build", "bench", "baseline", "check", "report", "golden", "diff"}


@pytest.mark.slow
def test_guide_commands_run_in_order(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    is_measured = can_bench(project)
    config = project / "modelpack.toml"
    for kind, text in BLOCKS:
        if kind == "toml":
            budget = text if is_measured else without_measured_limits(text)
            config.write_text(BUDGET.sub("", config.read_text()) + "\n" + budget)
            continue
        for line in text.splitlines():
            words = shlex.split(line.removeprefix("$ "))[1:]
            if words[0] == "bench" and not is_measured:
                words += ["--only", "native"]
            if words[0] == "bench":
                words += QUICK
            answer = modelpack(*words)
            assert answer.code == 0, (line, answer.out, answer.err)
    assert (project / "modelpack-report.html").stat().st_size > 1_000_000
