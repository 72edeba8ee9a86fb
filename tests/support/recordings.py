"""Recordings on disk."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike


def write_recording(
    path: Path, sound: ArrayLike, rate_hz: int = 16000, width: int = 2, channels: int = 1
) -> Path:
    """`path`, with the sound (-1 to 1, [samples] or [samples, channels]) as integers of so many bytes."""
    scaled = np.clip(
        np.round(np.asarray(sound, np.float64) * 2 ** (8 * width - 1)),
        -(2 ** (8 * width - 1)),
        2 ** (8 * width - 1) - 1,
    )
    if width == 1:
        content = (scaled + 128).astype(np.uint8).tobytes()
    else:
        whole = scaled.astype("<i4").reshape(-1).view(np.uint8).reshape(-1, 4)
        content = whole[:, :width].tobytes()
    with wave.open(str(path), "wb") as recording:
        recording.setnchannels(channels)
        recording.setsampwidth(width)
        recording.setframerate(rate_hz)
        recording.writeframes(content)
    return path
