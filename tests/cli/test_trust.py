"""What can run code is read only where the configuration says so, and exactly."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.digest import digest_file
from modelpack.engine.workers import ProcessWorkers
from tests.support.checkpoints import make_checkpoint
from tests.support.cli import modelpack, modelpack_process
from tests.support.exports import Exporter, needs_export

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
