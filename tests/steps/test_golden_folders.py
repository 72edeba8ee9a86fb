from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from modelpack.errors import StepError
from modelpack.graph.golden.samples import Sample, read_samples
from modelpack.planned import GoldenParams
from modelpack.record import ValueFacts
from modelpack.spec.golden import AudioLayout, ImageLayout, RawLayout, StatePair
from modelpack.steps import golden
from modelpack.steps.contract import InputFiles, StepInput, StepOutput
from tests.support.golden_sets import write_arrays, write_facts
from tests.support.recordings import write_recording
from tests.support.step_runs import path_of

BYTES = ValueFacts("bytes", "int32", ("batch", 4))


def run(
    folder: Path,
    params: GoldenParams,
    files: dict[str, Path],
    *inputs: ValueFacts,
    **others: Path,
) -> StepOutput:
    out = folder / "out"
    out.mkdir()
    roles = [InputFiles("samples", tuple(files.values()), tuple(files))]
    roles += [InputFiles("facts", (write_facts(folder, *inputs),))]
    roles += [InputFiles(role, (path,)) for role, path in others.items()]
    return golden.run(StepInput(params, tuple(roles), out))


def everything(output: StepOutput) -> list[Sample]:
    parts = (read_samples(path_of(output, role)) for role in ("fit", "tune", "judge"))
    return sorted((one for part in parts for one in part), key=lambda sample: sample.position)


def raw_files(folder: Path) -> dict[str, Path]:
    found = {}
    for number, name in enumerate(("a/1.txt", "a/2.txt", "b.py")):
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(bytes([number, 9]))
        found[name] = path
    return found


def test_run_folder_of_bytes_with_labels_by_name(tmp_path: Path) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(
        '{"classes": ["txt", "py"], "labels": {"a/1.txt": "txt", "a/2.txt": 0, "b.py": "py"}}'
    )
    params = GoldenParams("folder", (), preprocess=RawLayout(first=2, last=2))
    samples = everything(run(tmp_path, params, raw_files(tmp_path), BYTES, labels=labels))
    assert [sample.name for sample in samples] == ["a/1.txt", "a/2.txt", "b.py"]
    assert [sample.feeds["bytes"].tolist() for sample in samples] == [
        [[0, 9, 0, 9]],
        [[1, 9, 1, 9]],
        [[2, 9, 2, 9]],
    ]
    assert [sample.label.tolist() for sample in samples if sample.label is not None] == [0, 0, 1]


def test_run_folder_of_recordings_with_state(tmp_path: Path) -> None:
    files = {
        "a.wav": write_recording(tmp_path / "a.wav", np.linspace(-0.5, 0.5, 9)),
        "b.wav": write_recording(tmp_path / "b.wav", np.linspace(-0.5, 0.5, 14)),
    }
    inputs = (
        ValueFacts("input", "float32", (None, None)),
        ValueFacts("state", "float32", (2, "batch", 3)),
        ValueFacts("sr", "int64", ()),
    )
    params = GoldenParams(
        "folder",
        (("batch", 1),),
        (StatePair("state", "stateN"),),
        AudioLayout(16000, 4, 1, (("sr", 16000.0),)),
    )
    samples = everything(run(tmp_path, params, files, *inputs))
    assert [sample.feeds["input"].shape for sample in samples] == [(2, 1, 5), (3, 1, 5)]
    assert samples[0].feeds["state"].tolist() == np.zeros((2, 1, 3)).tolist()


def test_run_folder_of_pictures_with_a_preprocessor_config(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6), (255, 0, 0)).save(tmp_path / "a.png")
    config = tmp_path / "preprocessor_config.json"
    config.write_text('{"size": {"height": 2, "width": 3}, "image_mean": [1, 1, 1]}')
    params = GoldenParams("folder", (), preprocess=ImageLayout())
    value = ValueFacts("pixels", "float32", ("n", 3, "h", "w"))
    files = {"a.png": tmp_path / "a.png"}
    (sample,) = everything(run(tmp_path, params, files, value, preprocessor=config))
    assert sample.feeds["pixels"].shape == (1, 3, 2, 3)
    assert sample.feeds["pixels"][0, :, 0, 0].tolist() == [0, -1, -1]


def test_run_steps_that_differ_in_number_fail(tmp_path: Path) -> None:
    inputs = (ValueFacts("x", "float32", (1, 2)), ValueFacts("y", "float32", (1, 2)))
    samples = write_arrays(
        tmp_path / "g.npz",
        x=np.zeros((2, 3, 1, 2), np.float32),
        y=np.zeros((2, 4, 1, 2), np.float32),
    )
    params = GoldenParams("npz", (), (StatePair("s", "t"),))
    with pytest.raises(StepError) as caught:
        run(tmp_path, params, {"g.npz": samples}, *inputs)
    assert caught.value.message == "found steps: x 3, y 4; expected the same number, at least one"


def test_run_picture_that_does_not_fit_names_the_file(tmp_path: Path) -> None:
    Image.new("RGB", (8, 6)).save(tmp_path / "a.png")
    params = GoldenParams("folder", (), preprocess=ImageLayout(size=(5, 5)))
    value = ValueFacts("pixels", "float32", ("n", 3, 4, 4))
    with pytest.raises(
        StepError, match=r"MP-E502 golden\.samples sample 0 \(a\.png\): expected pixels"
    ):
        run(tmp_path, params, {"a.png": tmp_path / "a.png"}, value)
