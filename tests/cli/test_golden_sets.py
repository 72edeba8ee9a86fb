"""Whole builds with golden sets of other kinds than .npz."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.support.builds import build, runs_of_build
from tests.support.cli import Answer, modelpack
from tests.support.onnx_models import lstm_net, weights_like, write
from tests.support.projects import Project, make_project
from tests.support.recordings import write_recording

HEAD = """
[models.words]
source = "models/words.onnx"
[models.words.variants]
fp32 = {}
"""
METRIC = """
def agreement(expected, found, label):
    return float((expected["logits"].argmax() == found["logits"].argmax()) and label == 3)
"""


def project_with(folder: Path, golden: str) -> Project:
    project = make_project(folder, "pair")
    project.config.write_text(HEAD + golden)
    return project


def raw_samples(project: Project, count: int = 12) -> None:
    folder = project.folder / "golden" / "raw"
    (folder / "more").mkdir(parents=True)
    for number, row in enumerate(weights_like(5, count, 32)):
        place = folder / "more" if number % 2 else folder
        (place / f"{number:02}.bin").write_bytes(row.tobytes())


RAW = """
[models.words.golden]
samples = "golden/raw/"
preprocess = { kind = "raw" }
labels = "golden/labels.json"
metrics = { cosine = ">= 0.999", accuracy = ">= 0", "python:tools.metrics:agreement" = ">= 1" }
"""


@pytest.fixture
def raw(tmp_path: Path) -> Project:
    project = project_with(tmp_path / "project", RAW)
    raw_samples(project)
    names = [
        path.relative_to(project.folder / "golden" / "raw")
        for path in (project.folder / "golden" / "raw").rglob("*.bin")
    ]
    labels = {name.as_posix(): 3 for name in names}
    (project.folder / "golden" / "labels.json").write_text(json.dumps(labels))
    (project.folder / "tools").mkdir()
    (project.folder / "tools" / "metrics.py").write_text(METRIC)
    return project


def test_build_on_a_folder_with_labels_and_a_function(raw: Project) -> None:
    outcome = build(raw)
    assert outcome.errors == ()
    assert outcome.exit_code == 0
    (row,) = outcome.report.variants
    assert row.evaluation is not None
    assert [metric.metric for metric in row.evaluation.metrics] == [
        "cosine",
        "max_abs_error",
        "top1_agreement",
        "accuracy",
        "python:tools.metrics:agreement",
    ]
    assert [verdict.passed for verdict in outcome.report.verdicts] == [True, True, True]


def test_build_after_the_function_changed_evaluates_again(raw: Project) -> None:
    build(raw)
    assert runs_of_build(raw) == {}
    path = raw.folder / "tools" / "metrics.py"
    path.write_text(METRIC.replace("label == 3", "label == 4"))
    outcome = build(raw)
    assert outcome.exit_code == 4
    assert [verdict.passed for verdict in outcome.report.verdicts] == [True, True, False]
    path.write_text(METRIC)
    assert runs_of_build(raw) == {}


def test_build_without_the_function_s_file_is_one_line(raw: Project) -> None:
    (raw.folder / "tools" / "metrics.py").unlink()
    (error,) = build(raw).errors
    assert str(error).startswith("MP-E201 ")
    assert "metrics.py: no such file" in str(error)


def test_build_notices_a_new_file_in_the_folder(raw: Project) -> None:
    assert modelpack("build", "-C", raw.folder).code == 0
    assert modelpack("build", "-C", raw.folder).err.startswith("nothing changed: ")
    new = raw.folder / "golden" / "raw" / "more" / "new.bin"
    new.write_bytes(weights_like(8, 32).tobytes())
    answer = modelpack("build", "-C", raw.folder)
    assert answer.code == 1
    assert (
        "MP-E504 golden:words, labels.json: found no label for sample 12 (more/new.bin)"
        in answer.err
    )
    new.unlink()
    assert modelpack("build", "-q", "-C", raw.folder).code == 0


def test_build_on_an_empty_or_missing_folder_is_one_line(raw: Project) -> None:
    folder = raw.folder / "golden" / "raw"
    folder.rename(raw.folder / "away")
    (error,) = build(raw).errors
    assert str(error).startswith(f"MP-E201 {folder}: no such folder")
    folder.mkdir()
    (folder / ".hidden").touch()
    (error,) = build(raw).errors
    assert str(error).startswith(f"MP-E201 {folder}: the folder is empty")


def test_build_against_another_model(tmp_path: Path) -> None:
    golden = """
[models.words.golden]
samples = "golden/words.npz"
reference = "teacher"
metrics = { cosine = ">= 0.5" }
[models.teacher]
source = "models/teacher.onnx"
variants = { fp32 = {} }
"""
    project = project_with(tmp_path / "project", golden)
    teacher = (project.folder / "models" / "words.onnx").read_bytes()
    (project.folder / "models" / "teacher.onnx").write_bytes(teacher)
    outcome = build(project, "words")
    assert outcome.errors == ()
    assert outcome.exit_code == 0
    change = bytearray(teacher)
    change[change.index(weights_like(0, 32, 64).tobytes())] ^= 255
    (project.folder / "models" / "teacher.onnx").write_bytes(bytes(change))
    (row,) = build(project, "words").report.variants
    assert row.evaluation is not None
    assert row.evaluation.metrics[1].value > 0


def test_build_carries_state_through_recordings(tmp_path: Path) -> None:
    golden = """
[models.voice]
source = "models/voice.onnx"
state = [{ input = "state", output = "stateN" }]
free_dimensions = { steps = 1 }
variants = { fp32 = {} }
[models.voice.golden]
samples = "golden/speech/"
preprocess = { kind = "audio", frame = 8 }
metrics = { cosine = ">= 0.999" }
"""
    project = project_with(tmp_path / "project", golden)
    write(lstm_net(), project.folder / "models" / "voice.onnx")
    (project.folder / "golden" / "speech").mkdir()
    for number in range(4):
        sound = weights_like(number, 100 + 20 * number)
        write_recording(
            project.folder / "golden" / "speech" / f"{number}.wav", np.clip(sound, -1, 1)
        )
    outcome = build(project, "voice")
    assert outcome.errors == ()
    assert outcome.exit_code == 0


# --- golden record -----------------------------------------------------------------------------------------------


def record(project: Project, *words: str) -> Answer:
    return modelpack("golden", "record", *words, "-C", project.folder)


def test_golden_record_makes_a_set_of_a_folder(raw: Project) -> None:
    answer = record(raw, "words", "golden/raw", "--out", "golden/new/set.npz")
    assert answer == Answer(0, "", "recorded 12 samples: golden/new/set.npz\n")
    path = raw.folder / "golden" / "new" / "set.npz"
    with np.load(path) as arrays:
        assert arrays.files == ["x"]
        assert arrays["x"].shape == (12, 1, 32)
    content = path.read_bytes()
    raw.edit(
        'samples = "golden/raw/"\npreprocess = { kind = "raw" }\nlabels = "golden/labels.json"\n',
        'samples = "golden/new/set.npz"\n',
    )
    raw.edit(', accuracy = ">= 0", "python:tools.metrics:agreement" = ">= 1"', "")
    assert build(raw).exit_code == 0
    raw.edit(
        'samples = "golden/new/set.npz"', 'samples = "golden/raw/"\npreprocess = { kind = "raw" }'
    )
    record(raw, "words", "golden/raw", "--out", "golden/new/again.npz")
    assert path.with_name("again.npz").read_bytes() == content


def test_golden_record_of_what_a_page_recorded(tmp_path: Path) -> None:
    project = project_with(tmp_path / "project", "")
    folder = project.folder / "recorded"
    folder.mkdir()
    for number in range(3):
        row = [float(number)] * 32
        tensor = {"type": "float32", "dims": [1, 32], "data": row}
        (folder / f"{number}.json").write_text(json.dumps({"x": tensor}))
    assert record(project, "words", "recorded", "--out", "golden/page.npz").code == 0
    with np.load(project.folder / "golden" / "page.npz") as arrays:
        assert arrays["x"][:, 0, 0].tolist() == [0, 1, 2]
    (folder / "0.json").write_text('{"x": {"type": "float32", "dims": [2, 32], "data": [1]}}')
    answer = record(project, "words", "recorded", "--out", "golden/page.npz")
    assert answer.code == 1
    assert "0.json: x has 1 numbers for [2, 32]" in answer.err
