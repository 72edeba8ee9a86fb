"""The steps that prove a variant: samples read and split, and what `evaluate` is given of them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from modelpack.origin import source_ref
from modelpack.planned import (
    EvaluateParams,
    GoldenParams,
    InputRef,
    ProjectFile,
    ProjectFolder,
    SampleFormat,
    Step,
    Upstream,
)
from modelpack.spec.golden import Golden
from modelpack.spec.project import Model

_FORMATS: dict[str, SampleFormat] = {
    ".npz": "npz",
    ".jsonl": "jsonl",
    ".safetensors": "safetensors",
}


def golden_steps(model: Model, golden: Golden) -> Iterator[Step]:
    """The steps that read and split samples: the model's own, and those of another domain."""
    yield _samples(model, golden, model.id)
    if golden.other is not None:
        other = replace(golden, samples=golden.other, labels=None)  # the truth is of the first
        yield _samples(model, other, other_target(model))


def other_target(model: Model) -> str:
    """How steps name a model's samples of another domain."""
    return f"{model.id}#other"


def _samples(model: Model, golden: Golden, target: str) -> Step:
    path = golden.samples
    is_folder = path.suffix not in _FORMATS
    samples = ProjectFolder if is_folder else ProjectFile
    inputs: list[InputRef] = [
        samples("samples", path),
        Upstream("facts", f"inspect:{model.id}", "facts"),
    ]
    for role, file, is_read in (
        ("tokenizer", golden.tokenizer, path.suffix == ".jsonl"),
        ("preprocessor", golden.preprocessor, is_folder),
        ("labels", golden.labels, True),
    ):
        if file is not None and is_read:
            inputs.append(ProjectFile(role, file))
    return Step(
        "golden",
        target,
        GoldenParams(
            _FORMATS.get(path.suffix, "folder"),
            model.free_dimensions,
            model.state,
            golden.preprocess if is_folder else None,
        ),
        tuple(inputs),
    )


def evaluate_step(model: Model, golden: Golden, target: str) -> Step:
    """The step that judges the variant `target`."""
    return Step(
        "evaluate",
        target,
        EvaluateParams(
            model.outputs,
            model.free_dimensions,
            tuple(limit.metric for limit in golden.metrics),
            tuple((function.name, function.function) for function in golden.functions),
            model.state,
        ),
        (
            source_ref(golden.reference or model, "reference"),
            Upstream("model", f"quantize:{target}", "model"),
            Upstream("judge", f"golden:{model.id}", "judge"),
            *(
                (Upstream("other", f"golden:{other_target(model)}", "judge"),)
                if golden.other
                else ()
            ),
            *(ProjectFile("metric", function.path) for function in golden.functions),
        ),
    )
