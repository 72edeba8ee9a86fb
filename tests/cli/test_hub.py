"""Sources on the hub: the real huggingface_hub against a hub on this machine."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.engine.workers import ProcessWorkers
from tests.support.checkpoints import T5, WEIGHTS
from tests.support.cli import Answer, environment_with, modelpack, modelpack_process
from tests.support.decoders import decode, run_graph
from tests.support.exports import Array, Exporter, file_of, needs_export
from tests.support.hub_server import COMMIT, Hub, hub_serving
from tests.support.onnx_models import mlp, with_data_file
from tests.support.reassembly import Pack

pytest.importorskip("huggingface_hub")

MODEL = mlp().SerializeToString()
SHIPPED = {
    "README.md": b"# words",
    "config.json": b'{"architectures": ["BertModel"]}',
    "tokenizer.json": b"{}",
    "model.safetensors": WEIGHTS,
    "onnx/model.onnx": MODEL,
    "onnx/model_quantized.onnx": b"made by somebody",
}
TOKEN = "hf_a_secret_that_nobody_may_see"  # noqa: S105 (no password; it is looked for in all that is said)


class Place(Struct, frozen=True):
    """A project, and a hub that it sees."""

    folder: Path
    hub: Hub

    def run(self, *argv: str, **environment: str) -> Answer:
        """The command's answer, in a process of its own: the client reads its settings once."""
        around = {
            "HF_ENDPOINT": self.hub.endpoint,
            "HF_HOME": str(self.folder.parent / "hf"),
            "HF_TOKEN": TOKEN,
            "no_proxy": "*",
        }
        answer = modelpack_process(*argv, "-C", self.folder, **around, **environment)
        assert TOKEN not in answer.out + answer.err
        return answer

    def configure(self, source: str, *lines: str) -> None:
        text = ("[models.words]", f'source = "{source}"', *lines, "variants.fp32 = {}", "")
        (self.folder / "modelpack.toml").write_text("\n".join(text))

    def locked(self) -> dict[str, dict[str, object]]:
        lock = json.loads((self.folder / "modelpack.lock").read_text())
        sources: dict[str, dict[str, object]] = lock["sources"]
        return sources


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "project"
    (folder / ".git").mkdir(parents=True)
    with hub_serving() as hub:
        hub.files["acme/words"] = dict(SHIPPED)
        yield Place(folder, hub)


def test_hub_repository_with_onnx_is_built_as_it_is_and_locked(place: Place) -> None:
    place.configure("hf:acme/words@main")
    place.hub.trouble.busy = 2
    place.hub.trouble.cuts = 1
    built = place.run("build", "--json")
    assert built.code == 0, built.err
    assert "wrote modelpack.lock: commit it" in built.err
    (entry,) = place.locked().values()
    assert entry["version"] == COMMIT
    assert entry["files"] == {
        name: {"sha256": digest_bytes(SHIPPED[name]), "bytes": len(SHIPPED[name])}
        for name in ("config.json", "model.safetensors", "onnx/model.onnx", "tokenizer.json")
    }
    assert {request.path for request in place.hub.asked("/storage/")} == {
        f"/storage/acme/words/{digest_bytes(MODEL)}/onnx/model.onnx"
    }
    manifest = json.loads((place.folder / "public/models/manifest.json").read_text())
    assert list(manifest["models"]["words"]["assets"]) == ["config", "tokenizer"]
    # Credentials go to the hub, and not to where it sends us.
    senders = [request.headers.get("authorization") for request in place.hub.asked("/storage/")]
    assert senders == [None] * len(senders)
    assert place.hub.requests[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.slow
def test_hub_source_that_was_built_is_not_asked_for_again(place: Place) -> None:
    place.configure("hf:acme/words@main")
    assert place.run("build").code == 0
    asked = len(place.hub.requests)
    place.hub.trouble.gone = True
    assert "nothing changed" in place.run("build").err
    assert place.run("build", "--frozen").code == 0
    assert place.run("lock").err == "nothing changed: modelpack.lock\n"
    assert len(place.hub.requests) == asked
    shutil.rmtree(place.folder / ".modelpack")  # the client's own cache is still there
    assert place.run("build", HF_HUB_OFFLINE="1").code == 0
    assert len(place.hub.requests) == asked


def test_hub_branch_that_moved_is_followed_when_asked(place: Place) -> None:
    place.configure("hf:acme/words@main")
    assert place.run("lock").code == 0
    newer = "f" * 40
    place.hub.revisions = {"main": newer, newer: newer}
    assert place.run("lock").err == "nothing changed: modelpack.lock\n"
    assert place.run("lock", "--update").code == 0
    assert place.locked()["hf:acme/words@main"]["version"] == newer


def test_hub_source_without_lock_is_refused_where_nothing_may_be_asked(place: Place) -> None:
    place.configure("hf:acme/words@main")
    assert place.run("build", "--frozen").code == 5
    dry = place.run("build", "--dry-run")
    assert (dry.code, "MP-E242" in dry.err) == (1, True)
    assert place.run("list").code == 0
    offline = place.run("build", HF_HUB_OFFLINE="1")
    assert offline.code == 6
    assert "HF_HUB_OFFLINE is set" in offline.err
    assert place.hub.requests == []


@pytest.mark.slow
def test_hub_file_with_the_wrong_bytes_is_refused_and_forgotten(place: Place) -> None:
    place.configure("hf:acme/words@main")
    place.hub.trouble.wrong = True
    refused = place.run("build")
    assert refused.code == 1
    assert "MP-E241" in refused.err
    place.hub.trouble.wrong = False
    assert place.run("build").code == 0


def test_hub_source_that_is_not_there_says_what_to_do(place: Place) -> None:
    place.configure("hf:acme/word@main")
    missing = place.run("lock")
    assert (missing.code, "no such repository, or a private one" in missing.err) == (6, True)
    place.configure("hf:acme/words@next")
    assert "no such revision" in place.run("lock").err
    place.configure("hf:acme/words/onnx/modle.onnx@main")
    assert "no such file; it has onnx/model.onnx" in place.run("lock").err
    place.hub.trouble.gated = True
    assert "accept its terms on the hub" in place.run("lock").err


def test_hub_repository_of_weights_is_a_checkpoint(place: Place) -> None:
    place.hub.files["acme/words"] = {
        "config.json": json.dumps(T5).encode(),
        "model.safetensors": WEIGHTS,
        "modeling_words.py": b"raise SystemExit",
        "pytorch_model.bin": b"pickle",
        "tokenizer.json": b"{}",
    }
    place.configure("hf:acme/words@main")
    assert place.run("lock").code == 0
    assert list(place.locked()["hf:acme/words@main"]["files"]) == [  # type: ignore[call-overload]
        "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    assert place.hub.asked("/storage/") == []  # the digest of the weights is known without them
    graph = modelpack("graph", "-C", place.folder).out
    assert graph.splitlines()[0] == "export:words  reads hf:acme/words@main"
    assert "inspect:words.decoder" in graph


def test_hub_pickle_other_than_the_pinned_one_is_refused(place: Place) -> None:
    """The lock pins what the hub has; `sha256` in the configuration says which pickle somebody looked at."""
    place.hub.files["acme/words"] = {"config.json": b"{}", "pytorch_model.bin": b"pickle"}
    place.configure("hf:acme/words@main", "allow_pickle = true", f'sha256 = "{"0" * 64}"')
    refused = place.run("build")
    assert (refused.code, "MP-E241" in refused.err) == (1, True)
    assert digest_bytes(b"pickle") in refused.err
    assert place.hub.asked("/storage/") == []


def test_hub_repository_with_onnx_is_exported_when_a_task_is_named(place: Place) -> None:
    place.configure("hf:acme/words@main", 'task = "feature-extraction"')
    assert place.run("lock").code == 0
    assert "export:words" in modelpack("graph", "-C", place.folder).out


@pytest.mark.slow
def test_hub_graph_brings_its_data_file(place: Place) -> None:
    graph, data = with_data_file(mlp(), "model.onnx_data")
    place.hub.files["acme/words"] = {
        "onnx/model.onnx": graph,
        "onnx/model.onnx_data": data,
        "config.json": b"{}",
    }
    place.configure(f"hf:acme/words/onnx/model.onnx@{COMMIT}")
    built = place.run("build")
    assert built.code == 0, built.err
    assert [request.path.rpartition("/")[2] for request in place.hub.asked("/storage/")] == [
        "model.onnx", "model.onnx_data",
    ]  # fmt: skip


def test_hub_lock_with_a_path_that_leaves_is_refused(place: Place) -> None:
    place.configure("hf:acme/words@main")
    files = {"../../evil.json": {"sha256": "0" * 64, "bytes": 1}}
    entry = {"sha256": "0" * 64, "version": COMMIT, "files": files}
    lock = {"version": 1, "sources": {"hf:acme/words@main": entry}}
    (place.folder / "modelpack.lock").write_text(json.dumps(lock))
    answer = modelpack("list", "-C", place.folder)
    assert (answer.code, "MP-E721" in answer.err) == (2, True)


@pytest.mark.export
@needs_export
def test_hub_checkpoint_is_exported_and_gives_what_transformers_gives(
    place: Place, tmp_path: Path
) -> None:
    exporter = Exporter(ProcessWorkers(1), tmp_path / "made")
    ids = np.arange(12, dtype=np.int64).reshape(2, 6) + 2
    inputs: dict[str, Array] = {
        "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": ids * 0,
    }  # fmt: skip
    try:
        checkpoint = exporter.checkpoint("bert")
        (expected,) = exporter.expected(checkpoint, inputs, "logits")
    finally:
        exporter.workers.stop()
    files = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    place.hub.files["acme/words"] = {**files, "pytorch_model.bin": b"x", "tf_model.h5": b"x"}
    place.configure("hf:acme/words@main")
    built = place.run("build")
    assert built.code == 0, built.err
    assert [request.path.rpartition("/")[2] for request in place.hub.asked("/storage/")] == [
        "model.safetensors"
    ]
    pack = Pack(place.folder / "public" / "models")
    graph = pack.assemble(pack.variant("words", "fp32"), tmp_path / "assembled")
    np.testing.assert_allclose(run_graph(graph, inputs, "logits")[0], expected, atol=1e-4)
    assert list(pack.manifest["models"]["words"]["assets"]) == [
        "config", "special_tokens_map", "tokenizer", "tokenizer_config",
    ]  # fmt: skip
    place.hub.trouble.gone = True
    (place.folder / "public" / "models" / "manifest.json").unlink()
    again = place.run("build", "--json=stream")
    assert (again.code, '"finished"' in again.out) == (0, False)  # neither torch nor the hub


@pytest.mark.export
@needs_export
def test_hub_encoder_and_decoder_in_onnx_are_used_as_they_are(place: Place, tmp_path: Path) -> None:
    exporter = Exporter(ProcessWorkers(1), tmp_path / "made")
    words = np.arange(9, dtype=np.int64)[None] + 3
    inputs: dict[str, Array] = {
        "input_ids": words + 20, "attention_mask": np.ones_like(words), "decoder_input_ids": words,
    }  # fmt: skip
    try:
        checkpoint = exporter.checkpoint("t5")
        (expected,) = exporter.expected(checkpoint, inputs, "logits")
        exported = exporter.export(checkpoint)
    finally:
        exporter.workers.stop()
    files = {path.name: path.read_bytes() for path in checkpoint.iterdir()}
    for part, name in (("encoder", "encoder_model"), ("decoder", "decoder_model_merged")):
        content = file_of(exported, f"{part}-graph").read_bytes()
        files |= {f"onnx/{name}.onnx": content, f"onnx/{name}_quantized.onnx": b"of somebody"}
    place.hub.files["acme/words"] = files
    place.configure("hf:acme/words@main")
    built = place.run("build")
    assert built.code == 0, built.err
    assert {request.path.rpartition("/")[2] for request in place.hub.asked("/storage/")} == {
        "encoder_model.onnx", "decoder_model_merged.onnx",
    }  # fmt: skip
    pack = Pack(place.folder / "public" / "models")
    graphs = {
        part: pack.assemble(pack.variant(f"words.{part}", "fp32"), tmp_path / part)
        for part in ("encoder", "decoder")
    }
    (hidden,) = run_graph(graphs["encoder"], inputs, "last_hidden_state")
    encoded: dict[str, Array] = {
        "encoder_hidden_states": hidden, "encoder_attention_mask": inputs["attention_mask"],
    }  # fmt: skip
    pairs = pack.manifest["models"]["words.decoder"]["state"]
    state = {pair["input"]: pair["output"] for pair in pairs}
    assert len(state) == 4
    found = decode(graphs["decoder"], state, words, (3, 4, 9), encoded)
    np.testing.assert_allclose(found, expected, atol=1e-4)


LARGE = 24 << 20  # the client writes blocks of 10 MB, and goes on after the last
PROGRAM = """
import sys
from modelpack.engine.hub import HubFile, fetch_from_hub
file = HubFile("acme/words", sys.argv[1], "model.safetensors", int(sys.argv[2]), sys.argv[3])
fetch_from_hub(file, lambda done, total: print(total))
"""


@pytest.mark.slow
def test_hub_download_that_was_cut_goes_on_where_it_was(place: Place) -> None:
    body = bytes(LARGE)
    place.hub.files["acme/words"]["model.safetensors"] = body
    place.hub.trouble.cuts = 1
    around = {"HF_ENDPOINT": place.hub.endpoint, "HF_HOME": str(place.folder), "no_proxy": "*"}
    words = [sys.executable, "-c", PROGRAM, COMMIT, str(LARGE), digest_bytes(body)]
    subprocess.run(words, check=True, env=environment_with(**around), timeout=60)
    begins = [request.headers.get("range") for request in place.hub.asked("/storage/")]
    assert begins[0] is None
    assert str(begins[-1]).startswith("bytes=10")
