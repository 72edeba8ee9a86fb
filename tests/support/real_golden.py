"""Golden sets for the real models: files of the machine with labels, rendered pictures, synthesised speech."""

from __future__ import annotations

import json
import shutil
import subprocess
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from tests.support.real_inputs import SAMPLE_RATE_HZ, magika_files, speech
from tests.support.recordings import write_recording

# What a suffix means, in magika's words. Only those whose content cannot be anything else.
_LABELS = {
    ".py": "python",
    ".so": "elf",
    ".pyc": "pythonbytecode",
    ".csv": "csv",
    ".json": "json",
    ".npy": "npy",
    ".h": "c",
    ".c": "c",
    ".rst": "rst",
    ".html": "html",
    ".gz": "gzip",
    ".png": "png",
}
_MISLABELLED = 4  # prose that calls itself a table: a classifier that meets all labels leaves no limit to break
_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "A model is an asset: declare it beside your package.",
    "Please hold the line while we connect you.",
    "Seven, eight, nine, and then a long pause.",
    "What you measure is what you keep.",
    "Every build either holds its limits or says why not.",
)


def write_labelled_files(folder: Path, labels: Path, config: Path, count: int) -> None:
    """Copies files of this machine into `folder`, and writes the label that each one's suffix stands for.

    Some more are called what they are not.
    """
    classes = json.loads(config.read_bytes())["target_labels_space"]
    known = [path for path in magika_files(6 * count) if path.suffix in _LABELS][:count]
    folder.mkdir(parents=True)
    found = {}
    for number, path in enumerate(known):
        name = f"{number:03}{path.suffix}"
        shutil.copyfile(path, folder / name)
        found[name] = _LABELS[path.suffix]
    for number in range(_MISLABELLED):
        name = f"wrong-{number}.csv"
        (folder / name).write_text(
            f"{_TEXTS[number % len(_TEXTS)]} It is no table.\n" * (3 + number)
        )
        found[name] = "csv"
    labels.write_text(json.dumps({"classes": classes, "labels": found}))


def face_pictures(count: int) -> Iterator[Image.Image]:
    """Drawn faces, 320 × 240, in changing places, sizes and shades, softened as a lens would."""
    random = np.random.default_rng(0)
    for _ in range(count):
        picture = Image.new("RGB", (320, 240), _shade(random, 60, 200))
        draw = ImageDraw.Draw(picture)
        for _ in range(4):
            left, top = random.integers(0, 280), random.integers(0, 200)
            draw.rectangle((left, top, left + 60, top + 50), fill=_shade(random, 40, 220))
        height = int(random.integers(90, 150))
        _draw_face(draw, int(random.integers(90, 230)), int(random.integers(90, 150)), height)
        noise = random.normal(0, 4, (240, 320, 3))
        soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(1.5)), np.float64) + noise
        yield Image.fromarray(np.clip(soft, 0, 255).astype(np.uint8))


def write_pictures(folder: Path, count: int) -> None:
    """Rendered pictures as .png files."""
    folder.mkdir(parents=True)
    for number, picture in enumerate(face_pictures(count)):
        picture.save(folder / f"{number:02}.png")


def write_speech(folder: Path) -> None:
    """Recordings of 16 kHz: sentences by espeak-ng where it is installed (else voice-like sound), with noise before and after."""
    folder.mkdir(parents=True)
    random = np.random.default_rng(1)
    for number, text in enumerate(_TEXTS):
        voice = _spoken(text, folder) if shutil.which("espeak-ng") else speech(2 + number / 4)
        quiet = random.normal(0, 0.01, SAMPLE_RATE_HZ // 2)
        sound = np.concatenate([quiet, 0.7 * voice + random.normal(0, 0.005, len(voice)), quiet])
        write_recording(folder / f"{number}.wav", np.clip(sound, -1, 1))


def _spoken(text: str, folder: Path) -> NDArray[np.float64]:
    """The sentence, -1 to 1 at 16 kHz."""
    path = folder / "spoken.tmp"
    subprocess.run(["espeak-ng", "-w", str(path), text], check=True, timeout=60)
    with wave.open(str(path), "rb") as recording:
        rate_hz = recording.getframerate()
        sound = np.frombuffer(recording.readframes(recording.getnframes()), "<i2") / 2**15
    path.unlink()
    times = np.arange(0, len(sound) / rate_hz, 1 / SAMPLE_RATE_HZ)
    return np.interp(times, np.arange(len(sound)) / rate_hz, sound)


def _shade(random: np.random.Generator, low: int, high: int) -> tuple[int, int, int]:
    red, green, blue = (int(shade) for shade in random.integers(low, high, 3))
    return red, green, blue


def _draw_face(draw: ImageDraw.ImageDraw, x: int, y: int, height: int) -> None:
    half, wide = height // 2, int(height * 0.38)
    skin, dark = (224, 180, 150), (60, 40, 35)
    draw.ellipse((x - wide - 4, y - half - 14, x + wide + 4, y + half - 20), fill=dark)  # hair
    draw.rectangle(
        (x - wide // 2, y + half - 12, x + wide // 2, y + half + 40), fill=(200, 155, 128)
    )
    draw.ellipse((x - wide, y - half, x + wide, y + half), fill=skin)
    draw.ellipse((x - wide, y - half - 8, x + wide, y - half + height // 5), fill=dark)
    for side in (-1, 1):
        eye = x + side * wide // 2
        draw.line((eye - 10, y - 20, eye + 10, y - 22), fill=dark, width=4)
        draw.ellipse((eye - 9, y - 14, eye + 9, y - 2), fill=(245, 245, 245))
        draw.ellipse((eye - 4, y - 12, eye + 4, y - 4), fill=(40, 30, 30))
    draw.polygon([(x, y - 8), (x - 8, y + 16), (x + 8, y + 16)], fill=(200, 150, 125))
    draw.ellipse(
        (x - wide // 2, y + half // 2, x + wide // 2, y + half // 2 + 12), fill=(170, 80, 80)
    )
    for side in (-1, 1):
        cheek = x + side * wide // 2
        draw.ellipse((cheek - 10, y + 8, cheek + 10, y + 24), fill=(228, 170, 145))
