"""One project of all the real models, with golden sets made of real inputs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from modelpack.graph.sessions import Array, open_session, run_session
from tests.support.real_inputs import (
    SAMPLE_RATE_HZ,
    magika_feed,
    magika_files,
    photographs,
    speech,
    speech_frames,
)

Feeds = Mapping[str, Array]
VARIANTS = {
    "ultraface": ("fp32", "fp16", "q8"),
    "silero_vad": ("fp32", "fp16", "q8"),
    "magika_v3_2": ("fp32", "fp16", "q8", "q4"),
    "magika_v3_3": ("fp32", "fp16", "q8", "q4"),
}
_MAGIKA_FILES = 80
_SPEECH_S = 4.0
_STATE = 'state = [{ input = "state", output = "stateN" }]'
_DEVICES = {"fp32": "wasm", "fp16": "webgpu", "q8": "wasm", "q4": "webgpu"}


def write_project(folder: Path, models: Path) -> Path:
    """`folder`, with models, golden sets, modelpack.toml for a static host and nginx.toml for one that negotiates."""
    (folder / ".git").mkdir(parents=True)  # the workspace ends here
    for name in VARIANTS:
        shutil.copyfile(models / f"{name}.onnx", folder / f"{name}.onnx")
        np.savez(folder / f"{name}.npz", **_stacked(real_feeds(name, models)))  # type: ignore[arg-type]  # its allow_pickle
    tables = "\n".join(_tables(name, variants) for name, variants in VARIANTS.items())
    (folder / "modelpack.toml").write_text(f'[output]\npath = "static"\n{tables}')
    (folder / "nginx.toml").write_text(f'[output]\npath = "nginx"\nhost = "nginx"\n{tables}')
    return folder


def real_feeds(model: str, models: Path) -> list[Feeds]:
    """Inputs of the kind the model was made for."""
    if model == "ultraface":
        return list(photographs())
    if model == "silero_vad":
        return _frames_with_state(models / "silero_vad.onnx")
    config = models / "magika_v3_3.config.json"
    return [magika_feed(path, config) for path in magika_files(_MAGIKA_FILES)]


def carried(session_path: Path, frames: Sequence[Array]) -> list[float]:
    """The probability of speech for each frame, with the model's own state carried along."""
    session = open_session(session_path)
    state: Array = np.zeros((2, 1, 128), np.float32)
    probabilities = []
    for frame in frames:
        outputs = run_session(session, _frame_feeds(frame, state))
        state = outputs["stateN"]
        probabilities.append(float(outputs["output"].item()))
    return probabilities


def _frames_with_state(model: Path) -> list[Feeds]:
    """Frames of speech, each with the state that the original has come to by then."""
    session = open_session(model)
    state: Array = np.zeros((2, 1, 128), np.float32)
    feeds: list[Feeds] = []
    for frame in speech_frames(speech(_SPEECH_S)):
        feeds.append(_frame_feeds(frame, state))
        state = run_session(session, feeds[-1])["stateN"]
    return feeds


def _frame_feeds(frame: Array, state: Array) -> Feeds:
    return {"input": frame, "state": state, "sr": np.array(SAMPLE_RATE_HZ, np.int64)}


def _stacked(feeds: Sequence[Feeds]) -> dict[str, Array]:
    return {name: np.stack([feed[name] for feed in feeds]) for name in feeds[0]}


def _tables(name: str, variants: Sequence[str]) -> str:
    lines = [f"[models.{name}]", f'source = "{name}.onnx"']
    if name == "silero_vad":
        lines.append(_STATE)
    lines += [f"[models.{name}.golden]", f'samples = "{name}.npz"', f"[models.{name}.variants]"]
    lines += [f'{variant} = {{ device = "{_DEVICES[variant]}" }}' for variant in variants]
    return "\n".join((*lines, ""))
