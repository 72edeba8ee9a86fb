"""The recipe q4f16: products as 4-bit blocks with float16 scales, everything else computed in half precision. For WebGPU."""

from __future__ import annotations

from collections.abc import Collection

from modelpack.graph.io import read_model, write_model
from modelpack.graph.recipes.applied import Applied
from modelpack.graph.recipes.fp16 import Trial, apply_fp16
from modelpack.graph.recipes.q4 import apply_q4
from modelpack.planned import QuantizeParams


def apply_q4f16(trial: Trial, params: QuantizeParams, excluded: Collection[str]) -> Applied:
    """The model as `apply_q4` makes it, and that in half precision; unchanged where q4 changes nothing.

    Half precision is held against the 4-bit model, not the original: 4 bits alone are further off than it may be.
    """
    blocks = apply_q4(read_model(trial.source), params, excluded)
    if not blocks.narrowed:
        return blocks
    folder = trial.folder / "blocks"
    folder.mkdir()
    source = write_model(blocks.model, folder)[0]
    halves = apply_fp16(Trial(source, trial.feeds, trial.folder), params.device, excluded)
    stored = tuple(weight.name for weight in blocks.narrowed)
    others = [weight for weight in halves.narrowed if not weight.name.startswith(stored)]
    return Applied(halves.model, (*blocks.narrowed, *others), (*blocks.notes, *halves.notes))
