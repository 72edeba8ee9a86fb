"""`modelpack add` of a checkpoint whose graph has nodes that webgpu lacks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelpack.engine.workers import ProcessWorkers
from tests.support.cli import modelpack_process
from tests.support.exports import Exporter, needs_export

pytestmark = [pytest.mark.export, pytest.mark.slow, needs_export]


def test_add_of_gpt2_writes_a_configuration_whose_build_passes(tmp_path: Path) -> None:
    """The attention of GPT-2 has an IsNaN in each layer."""
    exporter = Exporter(ProcessWorkers(1), tmp_path)
    exporter.checkpoint("many-words")
    exporter.workers.stop()
    (tmp_path / ".git").mkdir()
    added = modelpack_process("add", "many-words", "-C", tmp_path, cwd=tmp_path)
    assert added.code == 0, added.err
    written = (tmp_path / "modelpack.toml").read_text()
    assert "# webgpu has no kernel for IsNaN" in written
    assert 'fp16 = { accept_fallback = { IsNaN = "accepted by modelpack add" }, budget' in written
    built = modelpack_process("build", "-C", tmp_path, "--json")
    assert built.code == 0, built.err
    rows = json.loads(built.out)["variants"]
    assert [row["variant"] for row in rows] == ["fp16", "q8"]
