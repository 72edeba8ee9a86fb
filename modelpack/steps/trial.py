"""Running a model once. Not a step of a build: `verify` asks for it in a worker."""

from __future__ import annotations

from pathlib import Path

from modelpack.errors import StepError
from modelpack.graph.feeds import first_line, working_feeds
from modelpack.graph.sessions import open_session


def run_trial(graph: Path) -> str:
    """What the model ran on, as a phrase: `x float32 [1, 32]`.

    Raises: StepError MP-E403 if onnxruntime cannot open the model, or run it on generated inputs.
    """
    try:
        session = open_session(graph)
    except Exception as err:
        # onnxruntime's errors share no base of their own.
        raise StepError(
            "MP-E403",
            f"onnxruntime cannot open the model ({first_line(err)})",
            remedy="run `modelpack build --force`",
        ) from err
    (feeds,) = working_feeds(session, range(1))
    return ", ".join(f"{name} {array.dtype} {list(array.shape)}" for name, array in feeds.items())
