"""Small checkpoints of every kind through the whole build, in every variant, and back through onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from modelpack.engine.workers import ProcessWorkers
from tests.support.cli import modelpack_process
from tests.support.exports import Exporter, needs_export

pytestmark = [pytest.mark.export, pytest.mark.slow, needs_export]

WITH_Q4 = ("bert", "tagger", "gpt2", "llama", "vit", "clip", "t5")
TOO_SMALL_FOR_Q4 = ("wav2vec2", "whisper")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    exporter = Exporter(ProcessWorkers(1), tmp_path_factory.mktemp("exported"))
    folder = exporter.folder
    (folder / ".git").mkdir()
    lines = []
    for kind in (*WITH_Q4, *TOO_SMALL_FOR_Q4):
        exporter.checkpoint(kind)
        q4 = ", q4 = {}" if kind in WITH_Q4 else ""
        lines += [f"[models.{kind}]", f'source = "{kind}"']
        lines += [f"variants = {{ fp32 = {{}}, fp16 = {{}}, q8 = {{}}{q4} }}"]
    exporter.workers.stop()
    (folder / "modelpack.toml").write_text("\n".join(lines))
    return folder


def test_exported_models_are_built_in_every_variant_and_run(project: Path) -> None:
    built = modelpack_process("build", "-C", project, "--json")
    assert built.code == 0, built.err
    rows = json.loads(built.out)["variants"]
    assert {row["model"] for row in rows} == {
        *WITH_Q4[:-1], "t5.encoder", "t5.decoder", "wav2vec2", "whisper.encoder", "whisper.decoder",
    }  # fmt: skip
    assert len(rows) == 4 * 8 + 3 * 3
    verified = modelpack_process("verify", "-C", project)
    assert verified.code == 0, verified.err
    manifest = json.loads((project / "public" / "models" / "manifest.json").read_text())
    assert [pair["input"] for pair in manifest["models"]["gpt2"]["state"]] == [
        f"past_key_values.{layer}.{half}" for layer in (0, 1) for half in ("key", "value")
    ]
    assert list(manifest["models"]["bert"]["assets"]) == [
        "config", "special_tokens_map", "tokenizer", "tokenizer_config",
    ]  # fmt: skip
