"""Making the branches of a model take one side, to see what its inputs alone would not reach.

Only an `If` of the main graph is forced: those within tell shapes apart more often than uses, and then one side fails.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
import onnx_ir as ir
import onnxruntime as ort

from modelpack.graph.failures import ONNXRUNTIME_ERRORS
from modelpack.graph.feeds import Feeds, refusal
from modelpack.graph.io import read_model, write_model
from modelpack.graph.recipes.rewrite import Builder
from modelpack.graph.sessions import open_session

Choice = Literal["as-it-is", "then", "else"]
CHOICES: Final[tuple[Choice, ...]] = ("as-it-is", "then", "else")


def force_branches(model: ir.Model, choice: Choice) -> bool:
    """Whether there was something to do; there always is where all stays as it is."""
    if choice == "as-it-is":
        return True
    found = [node for node in model.graph if node.op_type == "If"]
    if found:
        side = Builder(model).initializer("forced_side", np.array(choice == "then"))
        for node in found:
            node.replace_input_with(0, side)
    return bool(found)


def forced_copy(source: Path, choice: Choice, folder: Path) -> Path | None:
    """The file of the model with its branches forced, in a new folder; None where it has none."""
    model = read_model(source)
    if not force_branches(model, choice):
        return None
    folder.mkdir()
    return write_model(model, folder)[0]


def accepted_feeds(model: Path, feeds: Sequence[Feeds]) -> tuple[Feeds, ...]:
    """Those of the inputs that run."""
    session = open_forced(model)
    return tuple(feed for feed in feeds if session and not refusal(session, feed))


def open_forced(model: Path) -> ort.InferenceSession | None:
    """A session on it; None where the sides that are forced make no model: sizes that contradict each other."""
    try:
        return open_session(model, optimized=False)
    except ONNXRUNTIME_ERRORS:
        return None
