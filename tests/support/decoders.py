"""Exported decoders, step by step, as a page runs them: what came out last time goes in again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime as ort

Array = (
    npt.NDArray[np.float32]
    | npt.NDArray[np.float16]
    | npt.NDArray[np.int64]
    | npt.NDArray[np.bool_]
)
Floats = npt.NDArray[np.float32]
_TYPES = {"tensor(float)": np.float32, "tensor(float16)": np.float16, "tensor(int64)": np.int64}
_OF_THE_ENCODER = ".encoder."


def run_graph(graph: Path, inputs: Mapping[str, Array], *names: str) -> list[Floats]:
    """The named outputs for those of the inputs that the graph takes, each in the type that it takes."""
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return [
        np.asarray(one, np.float32) for one in session.run(list(names), _taken(session, inputs))
    ]


def decode(
    graph: Path, state: Mapping[str, str], tokens: Array, ends: Sequence[int],
    encoded: Mapping[str, Array] | None = None,
) -> Floats:  # fmt: skip
    """Logits float32 [1, tokens, words] of calls that end at `ends`, each with the state that the one before gave.

    `state` has the output that each input continues. What a first call makes of the encoder's output is kept for all others.
    """
    session = ort.InferenceSession(graph, providers=["CPUExecutionProvider"])
    past: dict[str, Array] = dict(_empty(session))
    kept = {
        name: f"present.{name.removeprefix('past_key_values.')}"
        for name in past
        if _OF_THE_ENCODER in name
    }
    found: list[Floats] = []
    begin = 0
    for end in ends:
        inputs = {
            **(encoded or {}),
            "input_ids": tokens[:, begin:end],
            "attention_mask": np.ones((1, end), np.int64),
            "position_ids": np.arange(begin, end)[None],
            "use_cache_branch": np.array([begin > 0]),
            **past,
        }
        carried = {**state, **(kept if begin == 0 else {})}
        logits, *made = session.run(["logits", *carried.values()], _taken(session, inputs))
        found.append(np.asarray(logits, np.float32))
        past |= dict(zip(carried, made, strict=True))
        begin = end
    return np.concatenate(found, axis=1)


def _empty(session: ort.InferenceSession) -> Iterable[tuple[str, Array]]:
    """A past of no tokens for each input that takes one."""
    for value in session.get_inputs():
        if value.name.startswith("past_key_values."):
            shape = [size if isinstance(size, int) else 0 for size in value.shape]
            yield value.name, np.zeros([1, *shape[1:]], _TYPES[value.type])


def _taken(session: ort.InferenceSession, inputs: Mapping[str, Array]) -> dict[str, Array]:
    taken = {value.name: _TYPES.get(value.type) for value in session.get_inputs()}
    return {
        name: value if taken[name] is None else value.astype(taken[name])
        for name, value in inputs.items()
        if name in taken
    }
