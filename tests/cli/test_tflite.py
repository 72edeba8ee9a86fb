"""TensorFlow Lite models from where people have them through the whole build."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from modelpack.digest import digest_bytes
from modelpack.engine.worker import Call
from modelpack.engine.workers import ProcessWorkers
from tests.support.cli import modelpack, modelpack_process
from tests.support.exports import LIMIT_S, needs_tflite
from tests.support.hub_server import COMMIT, hub_serving
from tests.support.reassembly import Pack
from tests.support.scripted_server import Reply, Server, serving

HEAD_ONLY = b"\x1c\0\0\0TFL3...."


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "project"
    (made / ".git").mkdir(parents=True)
    return made


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Server]:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("no_proxy", "*")
    with serving() as server:
        yield server


def configure(folder: Path, *sources: str, variants: str = "fp32 = {}") -> None:
    lines = [
        f'[models.m{place}]\nsource = "{source}"\nvariants = {{ {variants} }}\n'
        for place, source in enumerate(sources)
    ]
    (folder / "modelpack.toml").write_text("\n".join(lines))


def test_tflite_shows_in_the_graph_with_its_file(folder: Path) -> None:
    (folder / "words.bin").write_bytes(HEAD_ONLY)
    configure(folder, "words.bin")
    assert modelpack("graph", "-C", folder).out.startswith(
        "convert:m0  reads words.bin\n├─ inspect"
    )


def test_tflite_of_the_web_is_locked_without_reading_it_as_onnx(
    folder: Path, server: Server
) -> None:
    server.reply("/words.tflite", Reply(body=HEAD_ONLY))
    configure(folder, server.url("/words.tflite"))
    refused = modelpack("build", "-C", folder)
    assert (refused.code, "MP-E242" in refused.err) == (1, True), refused.err
    assert modelpack("lock", "-C", folder).code == 0
    sources = json.loads((folder / "modelpack.lock").read_text())["sources"]
    assert sources == {server.url("/words.tflite"): {"sha256": digest_bytes(HEAD_ONLY)}}


@pytest.mark.export
@pytest.mark.slow
@needs_tflite
def test_tflite_is_built_from_the_project_the_web_and_the_hub(folder: Path, server: Server) -> None:
    content = made("picture", folder)
    server.reply("/m/picture.tflite", Reply(body=content))
    address = server.url("/m/picture.tflite")
    with hub_serving() as hub:
        hub.files["acme/words"] = {"lite/picture.tflite": content}
        configure(
            folder, "picture.tflite", address, f"hf:acme/words/lite/picture.tflite@{COMMIT}",
            variants="fp32 = {}, fp16 = {}, q8 = {}",
        )  # fmt: skip
        around = {"HF_ENDPOINT": hub.endpoint, "HF_HOME": str(folder / "hf"), "no_proxy": "*"}
        locked = modelpack_process("lock", "-C", folder, **around)
        assert locked.code == 0, locked.err
        built = modelpack_process("build", "-C", folder, **around)
    assert built.code == 0, built.err
    graphs = {name: assembled(folder, name) for name in ("m0", "m1", "m2")}
    assert len({path.read_bytes() for path in graphs.values()}) == 1  # one file, however it came
    session = ort.InferenceSession(graphs["m0"], providers=["CPUExecutionProvider"])
    pictures = np.random.default_rng(3).random((2, 12, 12, 3), np.float32)
    (scores,) = session.run(["output_0"], {"picture": pictures})
    np.testing.assert_allclose(scores.sum(axis=1), 1, atol=1e-5)
    (folder / "public" / "models" / "manifest.json").unlink()
    again = modelpack_process("build", "-C", folder, "--json=stream")
    assert '"finished"' not in again.out  # all of it cached, and no TensorFlow, server or hub


def made(kind: str, folder: Path) -> bytes:
    """A small model, which is put into the folder as well."""
    workers = ProcessWorkers(1)
    try:
        call = Call("tests.support.small_tflite", "make", (kind, folder), "make", pool="convert")
        path = workers.run(call, LIMIT_S)
    finally:
        workers.stop()
    assert isinstance(path, Path)
    return path.read_bytes()


def assembled(folder: Path, name: str) -> Path:
    pack = Pack(folder / "public" / "models")
    return pack.assemble(pack.variant(name, "fp32"), folder / f"assembled-{name}")
