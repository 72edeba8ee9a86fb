from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.recordings import read_recording
from modelpack.record import ValueFacts
from modelpack.spec.golden import AudioLayout
from tests.support.recordings import write_recording

SOUND = ValueFacts("input", "float32", (None, None))
RAMP = np.arange(8) / 8


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_read_recording_of_every_width_is_minus_one_to_one(tmp_path: Path, width: int) -> None:
    path = write_recording(tmp_path / "a.wav", [-1, -0.5, 0, 0.5], width=width)
    found = read_recording(path, SOUND, AudioLayout())
    assert found.tolist() == [[-1, -0.5, 0, 0.5]]
    assert found.dtype == np.float32


def test_read_recording_of_two_channels_is_their_mean(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", [[0.5, 0], [0, -0.5]], channels=2)
    assert read_recording(path, SOUND, AudioLayout()).tolist() == [[0.25, -0.25]]


def test_read_recording_in_frames_has_steps_with_context(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", RAMP)
    found = read_recording(path, SOUND, AudioLayout(frame=3, context=2))
    assert (found * 8).tolist() == [[[0, 0, 0, 1, 2]], [[1, 2, 3, 4, 5]]]


def test_read_recording_shorter_than_a_frame_fails(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", RAMP)
    with pytest.raises(StepError, match=r"a\.wav: 8 samples are less than a frame of 512"):
        read_recording(path, SOUND, AudioLayout(frame=512))


def test_read_recording_at_another_rate_fails(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", RAMP, rate_hz=44100)
    with pytest.raises(StepError) as caught:
        read_recording(path, SOUND, AudioLayout())
    assert str(caught.value) == (
        "MP-E501 a.wav: found 44100 Hz; expected 16000 Hz — "
        "convert it, for example with ffmpeg -i in.wav -ar 16000 -c:a pcm_s16le out.wav"
    )


@pytest.mark.parametrize("content", [b"", b"RIFF", b"ID3 music", b"RIFF\x04\0\0\0WAVE"])
def test_read_recording_of_something_else_fails(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(StepError, match=r"MP-E501 a\.wav: not a \.wav file of integer samples"):
        read_recording(path, SOUND, AudioLayout())


def test_read_recording_header_that_promises_more_gives_what_is_there(tmp_path: Path) -> None:
    path = write_recording(tmp_path / "a.wav", RAMP)
    path.write_bytes(path.read_bytes()[:-4])
    assert read_recording(path, SOUND, AudioLayout()).shape[-1] == 6
