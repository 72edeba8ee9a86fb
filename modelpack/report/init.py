"""The modelpack.toml that `modelpack init` writes: every line is explained to somebody who never saw one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from msgspec import Struct

from modelpack.record import ModelFacts, ValueFacts
from modelpack.report.words import one_line
from modelpack.units import format_size

HEAD = """\
# What `modelpack build` makes of the models in this project. Every key: docs/config.md

[output]
path = "public/models"        # the published files; bundlers copy public/ as it is
types = "src/models.d.ts"     # TypeScript: names, inputs and outputs of every model
"""
_EXAMPLE = """
# No ONNX file was found. `modelpack add SOURCE` takes a checkpoint's folder, hf:org/repo, npm:package/path.onnx,
# https://… and more (docs/sources.md). Or name a file here:
# [models.my-model]
# source = "models/my-model.onnx"
"""
_VARIANTS = """
[models.{id}.variants]          # one variant = one file for one kind of device; of several for it, pages take the first
q8 = {{}}                       # 8-bit weights: a quarter of the bytes, runs everywhere
fp16 = {{}}                     # half the bytes, for WebGPU
fp32 = {{}}                     # as it is: the reference, and the fallback
"""
_GOLDEN = """
# What "still good enough" means: samples the variants are compared on with the original. Fill in and uncomment.
# [models.{id}.golden]
# samples = "golden/{id}.npz"   # arrays named {inputs}, first axis = samples
# metrics = {{ cosine = ">= 0.99" }}

# Limits that fail the build, for every variant. One variant's own: q8 = {{ budget = {{ download = "{quarter}" }} }}
# [models.{id}.budget]
# download = "{whole}"
"""


class FoundModel(Struct, frozen=True):
    """An ONNX file that init found: the id it gets, its path from the configuration file, and what is in it."""

    id: str
    source: str
    facts: ModelFacts


def init_text(models: Sequence[FoundModel]) -> str:
    """The file's text: TOML that builds as it stands, with everything else in comments."""
    return HEAD + ("".join(_model(model) for model in models) or _EXAMPLE)


def _model(model: FoundModel) -> str:
    weight_bytes = sum(tensor.size_bytes for tensor in model.facts.tensors)
    lines = [
        "",
        f"[models.{model.id}]",
        f"source = {_text(model.source)}",
        *(f"# input  {_value(value)}" for value in model.facts.inputs),
        *(f"# output {_value(value)}" for value in model.facts.outputs),
        f"# {format_size(weight_bytes)} of weights, opset {_opset(model.facts)}",
        *_free_dimensions(model.facts),
        "",
    ]
    golden = _GOLDEN.format(
        id=model.id,
        inputs=", ".join(one_line(value.name) for value in model.facts.inputs),
        quarter=_budget(weight_bytes // 4),
        whole=_budget(weight_bytes),
    )
    return "\n".join(lines) + _VARIANTS.format(id=model.id) + golden


def _text(text: str) -> str:
    """The text as a TOML string, which knows all escapes of JSON."""
    return json.dumps(text, ensure_ascii=False)


def _value(value: ValueFacts) -> str:
    shape = ", ".join("?" if size is None else str(size) for size in value.shape)
    return one_line(f"{value.name}: {value.dtype}[{shape}]")


def _opset(facts: ModelFacts) -> int:
    return dict(facts.opsets).get("", 0)


def _free_dimensions(facts: ModelFacts) -> Iterator[str]:
    names = {size for value in facts.inputs for size in value.shape if isinstance(size, str)}
    if names:
        pairs = one_line(", ".join(f"{_key(name)} = 1" for name in sorted(names)))
        yield f"# free_dimensions = {{ {pairs} }}   # fixes sizes that the model leaves open, where the page knows them"


def _key(name: str) -> str:
    is_bare = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if is_bare else _text(name)


def _budget(weight_bytes: int) -> str:
    """Room for so many weights and a tenth more, in whole tens of kilobytes."""
    return f"{max(10, round(weight_bytes * 1.1 / 10_000) * 10)} kB"
