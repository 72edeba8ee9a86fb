"""Green means something: with any one of these defences taken out, the tests go red.

Each case is a text of the source, what stands in its place without the defence, and the tests that must notice.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec import Struct

from tests.support.cli import ROOT, environment_with

pytestmark = pytest.mark.slow

TIMEOUT_S = 300


class Defence(Struct, frozen=True):
    """`present` in `file` is the defence; `absent` does without; `tests` must fail then."""

    file: str
    present: str
    absent: str
    tests: str


DEFENCES = {
    "blobs are hashed when they are read": Defence(
        "store/blobs.py",
        "if (found := hasher.hexdigest()) != digest:",
        "if (found := hasher.hexdigest()) is None:",
        "tests/faults/test_flips.py tests/store/test_blobs.py",
    ),
    "a lost blob is made again": Defence(
        "engine/build.py",
        "if not found or found in lost:",
        "if True:",
        "tests/faults/test_flips.py",
    ),
    "results whose blobs are gone are no results": Defence(
        "engine/runner.py",
        "if all(store.blobs.has(output.digest) for output in record.result.outputs):",
        "if True:",
        "tests/engine/test_runner.py",
    ),
    "records are sealed": Defence(
        "store/sealed.py",
        "return content if seal(content) == sealed else None",
        "return content",
        "tests/store/test_sealed.py",
    ),
    "sources are hashed while they are copied": Defence(
        "engine/inputs.py",
        "if hasher.hexdigest() != digest:",
        "if not digest:",
        "tests/engine/test_inputs.py tests/faults/test_edits.py",
    ),
    "a build starts over when a source changed": Defence(
        "engine/build.py",
        "if any(isinstance(err, SourceChangedError) for err in runner.failures.values()):",
        "if not runner:",
        "tests/faults/test_edits.py",
    ),
    "the fast path records what was read": Defence(
        "engine/fastpath.py",
        "return _digest(str(path)) != read[path]",
        "return False",
        "tests/engine/test_fastpath.py",
    ),
    "the fast path hashes racy files": Defence(
        "engine/fastpath.py",
        "return not digest or _digest(str(path)) == digest",
        "return True",
        "tests/engine/test_fastpath.py",
    ),
    "published chunks are hashed": Defence(
        "publish/emit.py",
        "return content is not None and digest_bytes(content) == expected",
        "return content is not None",
        "tests/faults/test_flips.py",
    ),
    "--frozen looks at chunks": Defence(
        "engine/publishing.py",
        "        check_published(output.path)",
        "        pass",
        "tests/cli/test_build.py",
    ),
    "the output is tried before any work": Defence(
        "engine/build.py",
        "        check_output(request.project.output)",
        "        pass",
        "tests/faults/test_places.py",
    ),
    "broken limits publish nothing": Defence(
        "engine/build.py",
        "if built.pack is not None and not any(_breaks(verdict) for verdict in built.verdicts):",
        "if built.pack is not None:",
        "tests/cli/test_build.py",
    ),
    "incomplete models are not published": Defence(
        "engine/build.py",
        "return all(step.name in runner.results for step in plan.steps if step.target in targets)",
        "return any(step.name in runner.results for step in plan.steps if step.target in targets)",
        "tests/cli/test_build.py",
    ),
    "partial builds keep the order": Defence(
        "engine/completion.py",
        "return msgspec.structs.replace(merged, models=models)",
        "return merged",
        "tests/cli/test_build.py",
    ),
    "parameters are in the key": Defence(
        "engine/runner.py",
        "params=step.params,",
        "params=type(step.params),",
        "tests/engine/test_runner.py tests/faults/test_reruns.py",
    ),
    "the code of a step is in its key": Defence(
        "engine/code.py",
        'names = {step_file, *_SHARED, *_files("spec"), *_files("graph"), *CATALOG[kind].data}',
        'names = {*_SHARED, *_files("spec"), *_files("graph"), *CATALOG[kind].data}',
        "tests/test_keys.py",
    ),
    "stopped workers stay stopped": Defence(
        "engine/workers.py",
        "            self._is_stopped = True",
        "            self._is_stopped = False",
        "tests/engine/test_workers.py",
    ),
    "equal work at the same time is done once": Defence(
        "engine/runner.py",
        "        if running is not None:",
        "        if running is None and future is None:",
        "tests/engine/test_runner.py",
    ),
}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the sources and tests that may be broken."""
    left_out = shutil.ignore_patterns("__pycache__", "real", "examples")
    for name in ("modelpack", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=left_out)
    for name in ("pyproject.toml", "modelpack.toml.example"):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


@pytest.mark.parametrize("name", DEFENCES)
def test_defence_taken_out_is_noticed(copy: Path, name: str) -> None:
    defence = DEFENCES[name]
    file = copy / "modelpack" / defence.file
    text = file.read_text()
    assert text.count(defence.present) == 1, (
        "the source has changed: say here what the defence is now"
    )
    file.write_text(text.replace(defence.present, defence.absent))
    finished = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-qx",
            "-m",
            "not slow",
            "-p",
            "no:cacheprovider",
            *defence.tests.split(),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        cwd=copy,
        env=environment_with(PYTHONPATH=str(copy)),
    )
    assert finished.returncode == 1, finished.stdout
