"""Real inputs for the real models: files for magika, photographs for ultraface, speech for silero."""

from __future__ import annotations

import json
import os
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.datasets import load_sample_images

Floats = NDArray[np.float32]

SAMPLE_RATE_HZ = 16000
FRAME = 512
CONTEXT = 64  # silero reads the end of the frame before, too


def real_models() -> Path:
    """The folder of real models; skips the test where MODELPACK_REAL_MODELS is not set."""
    folder = os.environ.get("MODELPACK_REAL_MODELS")
    if not folder:
        pytest.skip("MODELPACK_REAL_MODELS is not set")
    return Path(folder)


def magika_files(count: int) -> list[Path]:
    """Files of many kinds that every Python installation with numpy and scikit-learn has."""
    places = [sysconfig.get_path("stdlib"), sysconfig.get_path("platlib")]
    by_suffix: dict[str, list[Path]] = {}
    for place in places:
        for path in sorted(Path(place).rglob("*")):
            if path.is_file() and path.stat().st_size > 256:
                by_suffix.setdefault(path.suffix, []).append(path)
    each = max(1, count // len(by_suffix)) + 2
    return [path for _, paths in sorted(by_suffix.items()) for path in paths[:each]][:count]


def magika_feed(path: Path, config: Path) -> dict[str, NDArray[np.int32]]:
    """`bytes` int32 [1, 2048]: the first and last bytes after stripping white space, padded with a token of their own."""
    layout = json.loads(config.read_bytes())
    content = path.read_bytes()
    block: int = layout["block_size"]
    beginning = content[:block].lstrip()[: layout["beg_size"]]
    end = content[-block:].rstrip()[-layout["end_size"] :]
    padding: int = layout["padding_token"]
    head = [*beginning, *[padding] * (layout["beg_size"] - len(beginning))]
    tail = [*[padding] * (layout["end_size"] - len(end)), *end]
    return {"bytes": np.array([head + tail], np.int32)}


def photographs() -> Iterator[dict[str, Floats]]:
    """`input` float32 [1, 3, 240, 320]: 24 crops of two photographs, as ultraface wants them, about -1 to 1."""
    for image in load_sample_images().images:
        for top in (0, 90, 187):
            for left in (0, 100, 200, 320):
                crop = image[top : top + 240, left : left + 320].astype(np.float32)
                yield {"input": np.ascontiguousarray(((crop - 127) / 128).transpose(2, 0, 1))[None]}


def speech(seconds: float) -> Floats:
    """Speech-like sound: syllables of voiced vowels with pauses and noise, float32 at 16 kHz."""
    random = np.random.default_rng(0)
    count = int(seconds * SAMPLE_RATE_HZ)
    time = np.arange(count) / SAMPLE_RATE_HZ
    pitch_hz = 120 + 25 * np.sin(2 * np.pi * 0.7 * time) + 10 * np.sin(2 * np.pi * 3 * time)
    phase = 2 * np.pi * np.cumsum(pitch_hz) / SAMPLE_RATE_HZ
    first_hz = 500 + 250 * np.sin(2 * np.pi * 1.9 * time)
    second_hz = 1500 + 500 * np.sin(2 * np.pi * 1.3 * time + 1)
    sound = np.zeros(count)
    for harmonic in range(1, 30):
        at_hz = harmonic * pitch_hz
        formants = np.exp(-(((at_hz - first_hz) / 150) ** 2))
        formants += 0.5 * np.exp(-(((at_hz - second_hz) / 200) ** 2))
        sound += (formants + 0.05 / harmonic) * np.sin(harmonic * phase)
    syllables = np.clip(np.sin(2 * np.pi * 4 * time), 0, 1)
    phrases = (np.sin(2 * np.pi * 0.4 * time) > -0.2).astype(float)
    noise = 0.01 * random.standard_normal(count)
    return np.asarray(0.2 * sound * syllables * phrases + noise, np.float32)


def speech_frames(sound: Floats) -> Iterator[Floats]:
    """`input` float32 [1, 576]: each frame of 512 with the last 64 of the one before."""
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), sound])
    for start in range(0, len(sound) - FRAME + 1, FRAME):
        yield padded[None, start : start + CONTEXT + FRAME]
