from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.files import FolderFile, read_files
from modelpack.record import ValueFacts
from modelpack.spec.golden import AudioLayout, RawLayout, StatePair
from tests.support.recordings import write_recording

BYTES = ValueFacts("bytes", "int32", (None, 8))
SOUND = ValueFacts("input", "float32", (None, None))
RATE = ValueFacts("sr", "int64", ())
STATE = ValueFacts("state", "float32", (2, None, 4))
CARRIED = (StatePair("state", "stateN"),)


def files(folder: Path, **contents: bytes) -> list[FolderFile]:
    found = []
    for name, content in contents.items():
        path = folder / f"{name}.txt"
        path.write_bytes(content)
        found.append(FolderFile(path, f"sub/{path.name}"))
    return found


def test_read_files_names_samples_by_their_path_in_the_folder(tmp_path: Path) -> None:
    given = files(tmp_path, a=b"1", b=b"2")
    samples = read_files(given, (BYTES,), RawLayout(first=4, last=4))
    assert [(sample.position, sample.name) for sample in samples] == [
        (0, "sub/a.txt"),
        (1, "sub/b.txt"),
    ]


def test_read_files_constants_fill_other_inputs(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", np.zeros(12))
    layout = AudioLayout(16000, 4, 2, (("sr", 16000.0),))
    (sample,) = read_files([FolderFile(path, "a.wav")], (SOUND, STATE, RATE), layout, CARRIED)
    assert sample.feeds["sr"].tolist() == 16000
    assert sample.feeds["sr"].dtype == np.int64
    assert sample.feeds["input"].shape == (3, 1, 6)
    assert sample.stepped == {"input"}
    assert "state" not in sample.feeds


def test_read_files_of_a_model_with_two_inputs_fails(tmp_path: Path) -> None:
    with pytest.raises(StepError) as caught:
        read_files(files(tmp_path, a=b"1"), (BYTES, RATE), RawLayout(first=4, last=4))
    assert str(caught.value) == (
        "MP-E502 golden.preprocess.constants: a file gives one input; found bytes int32 [?, 8], sr int64 [] — "
        "name the inputs that are the same for every file in golden.preprocess.constants"
    )


def test_read_files_unknown_constant_fails(tmp_path: Path) -> None:
    layout = RawLayout(first=4, last=4, constants=(("rate", 1.0),))
    with pytest.raises(StepError) as caught:
        read_files(files(tmp_path, a=b"1"), (BYTES, RATE), layout)
    assert caught.value.message == (
        "found constants for rate; the model has bytes int32 [?, 8], sr int64 []"
    )
