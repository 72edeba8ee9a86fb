"""Running models in onnxruntime, the same way everywhere: CPU, one thread, no log noise."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime as ort
from numpy.typing import NDArray

from modelpack.record import ValueFacts

Array = NDArray[np.generic]
_LOG_ERRORS_ONLY = 3
_DTYPE_WORDS = {"float": "float32", "double": "float64"}


def open_session(path: Path, *, optimized: bool = True) -> ort.InferenceSession:
    """A session on the model at `path`. One thread: sums then come in one order, and results repeat.

    Raises: onnxruntime's own errors, which the step that asked turns into a sentence.
    """
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = _LOG_ERRORS_ONLY
    if not optimized:
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    return ort.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def session_inputs(session: ort.InferenceSession) -> tuple[ValueFacts, ...]:
    """The inputs of the model, in the words of onnxruntime-web."""
    return tuple(
        ValueFacts(argument.name, _dtype_word(argument.type), tuple(argument.shape))
        for argument in session.get_inputs()
    )


def run_session(
    session: ort.InferenceSession, feeds: Mapping[str, Array], outputs: Sequence[str] = ()
) -> dict[str, Array]:
    """The named outputs (all, where none are named) for one set of inputs."""
    names = list(outputs) or [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, dict(feeds)), strict=True))


def _dtype_word(kind: str) -> str:
    word = kind.removeprefix("tensor(").removesuffix(")")
    return _DTYPE_WORDS.get(word, word)
