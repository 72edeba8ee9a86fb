"""The truth for each sample: class numbers, from a file the user wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
import numpy as np

from modelpack.errors import StepError
from modelpack.graph.golden.arrays import ArrayFile
from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import Array

_LARGEST_FILE_BYTES = 1 << 28
_FORMS = 'expected [3, 1, …], {"file.png": 3, …}, or {"classes": ["cat", …], "labels": …}'
_Label = int | str | list[int]


class _Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels that are names: a class's number is its place among `classes`."""

    classes: list[str]
    labels: list[_Label] | dict[str, _Label]


def with_labels(samples: Sequence[Sample], path: Path) -> tuple[Sample, ...]:
    """The samples with their labels, int64 [] or [positions].

    1. .json: a list in the order of the samples, or an object by file name; with class names, `{"classes", "labels"}`.
    2. .jsonl: one label a line, in the order of the samples.
    3. .npz: an array `labels`, samples along the first axis.

    Raises: StepError MP-E504 if the file cannot be read or does not have a label for each sample.
    """
    labels = _read(path)
    if isinstance(labels, Mapping):
        return tuple(_labelled(sample, labels.get(sample.name), path) for sample in samples)
    if len(labels) != len(samples):
        raise _wrong(path, f"found {len(labels)} labels for {len(samples)} samples")
    return tuple(
        msgspec.structs.replace(sample, label=label)
        for sample, label in zip(samples, labels, strict=True)
    )


def _labelled(sample: Sample, label: Array | None, path: Path) -> Sample:
    if label is None:
        raise _wrong(path, f"found no label for {sample.place}")
    return msgspec.structs.replace(sample, label=label)


def _read(path: Path) -> Sequence[Array] | Mapping[str, Array]:
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        raise _wrong(path, "more than 256 MiB")
    if path.suffix == ".npz":
        return _arrays(path)
    try:
        if path.suffix == ".jsonl":
            lines = path.read_bytes().splitlines()
            named = _Named([], [msgspec.json.decode(line, type=_Label) for line in lines if line])
        else:
            found = msgspec.json.decode(path.read_bytes())
            is_named = isinstance(found, dict) and found.keys() == {"classes", "labels"}
            named = msgspec.convert(
                found if is_named else {"classes": [], "labels": found}, type=_Named
            )
    except (msgspec.DecodeError, UnicodeDecodeError) as err:
        raise _wrong(path, f"{_FORMS} ({err})") from err
    numbers = {name: number for number, name in enumerate(named.classes)}
    if isinstance(named.labels, dict):
        return {name: _array(label, numbers, path) for name, label in named.labels.items()}
    return [_array(label, numbers, path) for label in named.labels]


def _array(label: _Label, numbers: Mapping[str, int], path: Path) -> Array:
    if not isinstance(label, str):
        return np.array(label, np.int64)
    if label not in numbers:
        raise _wrong(path, f'found the label "{label[:80]}", which is not among "classes"')
    return np.array(numbers[label], np.int64)


def _arrays(path: Path) -> list[Array]:
    with ArrayFile.open(path) as file:
        if "labels" not in file.names:
            raise _wrong(path, f"expected an array labels; found {', '.join(file.names)}")
        labels = file.read("labels")
    if labels.dtype.kind not in "iu" or labels.ndim == 0:
        raise _wrong(path, f"expected whole numbers; found {labels.dtype.name}")
    return list(labels.astype(np.int64))


def _wrong(path: Path, found: str) -> StepError:
    return StepError(
        "MP-E504",
        found,
        where=path.name,
        remedy="give each sample one label, in its order or by its name",
    )
