"""Models and samples for `bench_variants`: what is there of digits, magika, ultraface and MiniLM."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from sklearn.datasets import load_sample_images

from modelpack.graph.golden.samples import Sample
from modelpack.graph.golden.texts import read_texts
from modelpack.graph.sessions import open_session, session_inputs
from modelpack.spec.golden import StatePair
from tests.support.real_inputs import magika_feed, magika_files, speech, speech_frames


class Case(msgspec.Struct, frozen=True):
    """A model, the outputs that count, its samples, those of another domain, and the cosines to reach."""

    source: Path
    outputs: tuple[str, ...]
    samples: tuple[Sample, ...]
    other: tuple[Sample, ...]
    cosines: tuple[float, ...]
    state: tuple[StatePair, ...] = ()


def cases(wanted: Sequence[str]) -> Iterator[tuple[str, Case]]:
    """The models that are there."""
    if "digits" in wanted:
        folder = Path(__file__).parent.parent / "examples" / "digits"
        yield "digits", _digits(folder)
    models = os.environ.get("MODELPACK_REAL_MODELS")
    if models and "magika_v3_3" in wanted:
        yield "magika_v3_3", _magika(Path(models))
    if models and "ultraface" in wanted:
        yield "ultraface", _ultraface(Path(models))
    if models and "silero_vad" in wanted:
        yield "silero_vad", _silero(Path(models))
    minilm = os.environ.get("MODELPACK_MINILM")
    if minilm and "minilm" in wanted:
        yield "minilm", _minilm(Path(minilm))


def _digits(folder: Path) -> Case:
    with np.load(folder / "golden" / "digits.npz") as arrays:
        samples = _batches({name: arrays[name] for name in arrays.files})
    return Case(folder / "models" / "digits.onnx", (), samples, (), (0.999, 0.99997))


def _batches(arrays: dict[str, Any]) -> tuple[Sample, ...]:
    count = len(next(iter(arrays.values())))
    return tuple(
        Sample(index, {name: array[index : index + 1] for name, array in arrays.items()})
        for index in range(count)
    )


def _magika(folder: Path) -> Case:
    config = folder / "magika_v3_3.config.json"
    feeds = [magika_feed(path, config) for path in magika_files(800)]
    samples = tuple(Sample(number, feed) for number, feed in enumerate(feeds))
    return Case(folder / "magika_v3_3.onnx", (), samples, (), (0.99, 0.9996))


def _silero(folder: Path) -> Case:
    """75 stretches of 25 frames, 0.8 s each; each begins with no state."""
    frames = np.stack(list(speech_frames(speech(61))))
    state = np.zeros((2, 1, 128), np.float32)
    samples = tuple(
        Sample(
            number,
            {
                "input": frames[25 * number : 25 * number + 25],
                "state": state,
                "sr": np.array(16000, np.int64),
            },
            stepped=frozenset({"input"}),
        )
        for number in range(75)
    )
    pairs = (StatePair("state", "stateN"),)
    return Case(folder / "silero_vad.onnx", (), samples, (), (0.999, 0.9999), pairs)


def _ultraface(folder: Path) -> Case:
    samples = tuple(Sample(number, {"input": crop}) for number, crop in enumerate(_crops()))
    return Case(folder / "ultraface.onnx", (), samples, (), (0.9999, 0.99998, 0.99999))


def _crops() -> Iterator[Any]:
    """160 crops of two photographs, at three sizes."""
    for image in load_sample_images().images:
        for stride in (1, 1.5):
            height, width = int(240 * stride), int(320 * stride)
            for top in np.linspace(0, image.shape[0] - height, 5).astype(int):
                for left in np.linspace(0, image.shape[1] - width, 8).astype(int):
                    rows = top + (np.arange(240) * stride).astype(int)
                    columns = left + (np.arange(320) * stride).astype(int)
                    crop = image[np.ix_(rows, columns)].astype(np.float32)
                    yield np.ascontiguousarray(((crop - 127) / 128).transpose(2, 0, 1))[None]


def _minilm(folder: Path) -> Case:
    source, tokenizer = folder / "model.onnx", folder / "tokenizer.json"
    inputs = session_inputs(open_session(source))
    texts = [
        read_texts(folder / name, tokenizer, inputs) for name in ("golden.jsonl", "other.jsonl")
    ]
    return Case(source, ("sentence_embedding",), texts[0], texts[1], (0.99, 0.995))
