"""What can run code is read only where the configuration says so, and exactly."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

from modelpack.digest import digest_bytes, digest_file
from modelpack.engine.workers import ProcessWorkers
from tests.support.checkpoints import make_checkpoint
from tests.support.cli import modelpack, modelpack_process
from tests.support.exports import Array, Exporter, needs_export
from tests.support.hub_server import hub_serving
from tests.support.reassembly import Pack

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def configure(folder: Path, *lines: str) -> None:
    (folder / ".git").mkdir(exist_ok=True)
    text = "\n".join(("[models.words]", *lines, "variants.fp32 = {}", ""))
    (folder / "modelpack.toml").write_text(text)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            ('source = "hf:acme/words@main"', "trust_remote_code = true"),
            "a commit of 40 characters",
        ),
        (('source = "bert"', "trust_remote_code = true"), "a commit of 40 characters"),
        (('source = "bert"', "allow_pickle = true"), "allow_pickle needs the sha256"),
        (('source = "bert"', f'sha256 = "{"0" * 64}"'), "sha256 is for files from the web"),
    ],
)
def test_trust_without_a_pin_is_refused(tmp_path: Path, lines: tuple[str, ...], said: str) -> None:
    configure(tmp_path, *lines)
    answer = modelpack("list", "-C", tmp_path)
    assert (answer.code, said in answer.err) == (2, True), answer.err


def test_trust_with_a_pin_is_taken(tmp_path: Path) -> None:
    configure(tmp_path, f'source = "hf:acme/words@{COMMIT}"', "trust_remote_code = true")
    assert modelpack("list", "-C", tmp_path).code == 0


def test_pickle_other_than_the_pinned_one_is_refused(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "bert", pytorch_model__bin=b"x", model__safetensors=None)
    configure(tmp_path, 'source = "bert"', "allow_pickle = true", f'sha256 = "{"0" * 64}"')
    refused = modelpack("build", "-C", tmp_path)
    assert (refused.code, "MP-E241" in refused.err) == (1, True)
    assert digest_file(folder / "pytorch_model.bin") in refused.err


@pytest.mark.export
@pytest.mark.slow
@needs_export
def test_pickle_that_is_pinned_is_exported(tmp_path: Path) -> None:
    exporter = Exporter(ProcessWorkers(1), tmp_path)
    try:
        folder = exporter.checkpoint("bert")
        exporter.run("tests.support.small_checkpoints", "pickle", folder)
    finally:
        exporter.workers.stop()
    pinned = digest_file(folder / "pytorch_model.bin")
    configure(tmp_path, 'source = "bert"')
    assert "MP-E207" in modelpack("build", "-C", tmp_path, "--dry-run").err
    configure(tmp_path, 'source = "bert"', "allow_pickle = true", f'sha256 = "{pinned}"')
    built = modelpack_process("build", "-C", tmp_path)
    assert built.code == 0, built.err


@pytest.mark.export
@pytest.mark.slow
@needs_export
def test_pickle_in_shards_is_exported_by_the_pin_that_a_shell_prints(tmp_path: Path) -> None:
    exporter = Exporter(ProcessWorkers(1), tmp_path)
    try:
        folder = exporter.checkpoint("bert")
        exporter.run("tests.support.small_checkpoints", "shard", folder)
        shards = sorted(folder.glob("pytorch_model-*.bin"))
        assert len(shards) > 2
        configure(tmp_path, 'source = "bert"', "allow_pickle = true", f'sha256 = "{"0" * 64}"')
        assert "MP-E241" in modelpack("build", "-C", tmp_path).err
        lines = "".join(f"{digest_file(path)}  {path.name}\n" for path in shards)
        pinned = digest_bytes(lines.encode())
        configure(tmp_path, 'source = "bert"', "allow_pickle = true", f'sha256 = "{pinned}"')
        built = modelpack_process("build", "-C", tmp_path)
        assert built.code == 0, built.err
        ids = np.arange(12, dtype=np.int64).reshape(2, 6) + 2
        inputs: dict[str, Array] = {
            "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": ids * 0,
        }  # fmt: skip
        (expected,) = exporter.expected(folder, inputs, "logits")
    finally:
        exporter.workers.stop()
    np.testing.assert_allclose(logits(tmp_path, inputs), expected, atol=1e-4)


@pytest.mark.export
@pytest.mark.slow
@needs_export
def test_code_of_a_repository_runs_where_it_is_trusted_and_nowhere_else(tmp_path: Path) -> None:
    exporter = Exporter(ProcessWorkers(1), tmp_path)
    ids = np.arange(12, dtype=np.int64).reshape(2, 6) + 2
    inputs: dict[str, Array] = {
        "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": ids * 0,
    }  # fmt: skip
    try:
        folder = exporter.checkpoint("bert")
        (plain,) = exporter.expected(folder, inputs, "logits")
        exporter.run("tests.support.small_checkpoints", "bring_code", folder)
    finally:
        exporter.workers.stop()
    with hub_serving() as hub:
        hub.files["acme/own"] = {path.name: path.read_bytes() for path in folder.iterdir()}
        around = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(tmp_path / "hf"), "no_proxy": "*"}
        source = f'source = "hf:acme/own@{COMMIT}"'
        configure(tmp_path, source, "trust_remote_code = true")
        built = modelpack_process("build", "-C", tmp_path, **around)
        assert built.code == 0, built.err
        np.testing.assert_allclose(logits(tmp_path, inputs), plain * 2 + 1, atol=1e-4)
        configure(tmp_path, source)
        (tmp_path / "modelpack.lock").unlink()
        hub.requests.clear()
        built = modelpack_process("build", "-C", tmp_path, **around)
        assert hub.asked("own.py") == []
    # transformers has a class of that name itself: without trust, that one is exported.
    assert built.code == 0, built.err
    np.testing.assert_allclose(logits(tmp_path, inputs), plain, atol=1e-4)


def logits(folder: Path, inputs: dict[str, Array]) -> npt.NDArray[np.float32]:
    """What the published model gives."""
    pack = Pack(folder / "public" / "models")
    graph = pack.assemble(pack.variant("words", "fp32"), folder / "assembled")
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    found: npt.NDArray[np.float32] = session.run(["logits"], inputs)[0]
    return found
