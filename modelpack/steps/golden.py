"""The step `golden`: a user's samples, checked against the model's inputs and split into fit, tune and judge."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelpack.errors import StepError
from modelpack.graph.golden.files import FolderFile, read_files
from modelpack.graph.golden.fitting import check_sample, with_sizes
from modelpack.graph.golden.labels import with_labels
from modelpack.graph.golden.preprocessor import read_preprocessor
from modelpack.graph.golden.samples import Sample, write_samples
from modelpack.graph.golden.split import Split, split_samples
from modelpack.graph.golden.state import with_initial_state
from modelpack.graph.golden.tensors import read_tensors
from modelpack.graph.golden.texts import read_texts
from modelpack.planned import GoldenParams
from modelpack.record import Measurement, ModelFacts, ValueFacts
from modelpack.spec.golden import ImageLayout, RawLayout
from modelpack.steps.contract import OutputFile, StepInput, StepOutput


def run(step: StepInput[GoldenParams]) -> StepOutput:
    """The samples as `fit.npz`, `tune.npz` and `judge.npz`, in the form of `graph.golden.samples`.

    Raises: StepError MP-E501 if the samples cannot be read, MP-E502 if one does not fit the model's inputs, MP-E504 if the
    labels do not belong to them.
    """
    facts = msgspec.json.decode(step.one("facts").read_bytes(), type=ModelFacts)
    inputs = with_sizes(facts.inputs, step.params.free_dimensions)
    samples = _read(step, inputs)
    is_folder = step.params.format == "folder"
    where = "golden.samples" if is_folder else step.one("samples").name
    if not samples:
        raise StepError("MP-E501", "found no samples", where=where, remedy="give at least one")
    samples = tuple(with_initial_state(inputs, sample) for sample in samples)
    for sample in samples:
        check_sample(inputs, sample, where)
    for labels in step.many("labels"):
        samples = with_labels(samples, labels)
    split = split_samples(samples)
    return StepOutput(
        _written(step, [value.name for value in inputs], split),
        _counted(split),
        _repeated(len(samples), split),
    )


def _read(step: StepInput[GoldenParams], inputs: Sequence[ValueFacts]) -> tuple[Sample, ...]:
    path = step.one("samples")
    match step.params.format:
        case "npz" | "safetensors":
            return read_tensors(path, inputs, step.params.state)
        case "folder":
            return _read_folder(step, inputs)
        case "jsonl":
            return _read_texts(step, inputs)


def _read_folder(step: StepInput[GoldenParams], inputs: Sequence[ValueFacts]) -> tuple[Sample, ...]:
    layout = step.params.preprocess or RawLayout()
    for path in step.many("preprocessor"):
        if isinstance(layout, ImageLayout):
            layout = read_preprocessor(path, layout)
    paths = zip(step.many("samples"), step.names("samples"), strict=True)
    files = [FolderFile(path, name) for path, name in paths]
    return read_files(files, inputs, layout, step.params.state)


def _read_texts(step: StepInput[GoldenParams], inputs: Sequence[ValueFacts]) -> tuple[Sample, ...]:
    path = step.one("samples")
    tokenizers = step.many("tokenizer")
    if not tokenizers:
        raise StepError(
            "MP-E501",
            "texts need a tokenizer.json; found none",
            where=path.name,
            remedy='set golden.tokenizer = "path/to/tokenizer.json"',
        )
    return read_texts(path, tokenizers[0], inputs)


def _written(
    step: StepInput[GoldenParams], names: Sequence[str], split: Split
) -> tuple[OutputFile, ...]:
    parts = (("fit", split.fit), ("tune", split.tune), ("judge", split.judge))
    return tuple(
        OutputFile(role, write_samples(step.folder / f"{role}.npz", names, samples))
        for role, samples in parts
    )


def _counted(split: Split) -> tuple[Measurement, ...]:
    return (
        Measurement("fitSamples", len(split.fit)),
        Measurement("tuneSamples", len(split.tune)),
        Measurement("judgeSamples", len(split.judge)),
    )


def _repeated(count: int, split: Split) -> tuple[str, ...]:
    repeated = count - len(split.fit) - len(split.tune) - len(split.judge)
    return (f"{repeated} of {count} samples repeat another and count once",) if repeated else ()
