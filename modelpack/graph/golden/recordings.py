"""A .wav recording as an input, whole or in steps.

Read with the standard library's `wave`: integer PCM of 8, 16, 24 or 32 bits, which is what recorders write. Other forms are
refused rather than a second decoder installed for them.
"""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from modelpack.errors import StepError
from modelpack.graph.golden.arrays import LIMIT_BYTES
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts
from modelpack.spec.golden import AudioLayout


def read_recording(path: Path, value: ValueFacts, layout: AudioLayout) -> Array:
    """The recording, mono, -1 to 1, in the input's type and with its axes before the last as ones.

    1. Without `frame`: the whole recording, [..., samples].
    2. With `frame`: [steps, ..., context + frame]. Each step is a frame with the samples before it, zeros at the beginning;
       what does not fill a frame at the end is left out.

    Raises: StepError MP-E501 if the file is no such recording, or is shorter than one frame.
    """
    sound = _read(path, layout.sample_rate_hz).astype(value.dtype)
    axes = (1,) * (len(value.shape) - 1)
    if not layout.frame:
        return sound.reshape(*axes, -1)
    if len(sound) < layout.frame:
        raise _unreadable(path, f"{len(sound)} samples are less than a frame of {layout.frame}")
    padded = np.concatenate([np.zeros(layout.context, sound.dtype), sound])
    windows = np.lib.stride_tricks.sliding_window_view(padded, layout.context + layout.frame)
    steps = windows[:: layout.frame]
    return np.ascontiguousarray(steps).reshape(len(steps), *axes, -1)


def _read(path: Path, sample_rate_hz: int) -> NDArray[np.float64]:
    if path.stat().st_size > LIMIT_BYTES:
        raise _unreadable(path, "more than 1 GiB")
    try:
        with wave.open(str(path), "rb") as recording:
            form = recording.getparams()
            content = recording.readframes(form.nframes)
    except (wave.Error, EOFError) as err:
        raise _unreadable(path, f"not a .wav file of integer samples ({err})") from err
    if form.framerate != sample_rate_hz:
        raise _unreadable(path, f"found {form.framerate} Hz; expected {sample_rate_hz} Hz")
    samples = _decoded(content, form.sampwidth)
    return np.asarray(samples.reshape(-1, form.nchannels).mean(axis=1))


def _decoded(content: bytes, width: int) -> NDArray[np.float64]:
    """Samples from -1 to 1. Only those of 8 bits are unsigned."""
    if width == 1:
        return (np.frombuffer(content, np.uint8).astype(np.float64) - 128) / 128
    wide = np.zeros((len(content) // width, 4), np.uint8)
    wide[:, 4 - width :] = np.frombuffer(content, np.uint8).reshape(-1, width)
    return wide.view("<i4")[:, 0].astype(np.float64) / 2**31


def _unreadable(path: Path, found: str) -> StepError:
    return StepError(
        "MP-E501",
        found,
        where=path.name,
        remedy="convert it, for example with ffmpeg -i in.wav -ar 16000 -c:a pcm_s16le out.wav",
    )
