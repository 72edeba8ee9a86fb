"""Golden sets on disk, and the inputs of the models they are for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from modelpack.graph.golden.samples import Sample
from modelpack.record import ModelFacts, ValueFacts

IDS = ValueFacts("input_ids", "int64", ("batch", "sequence"))
MASK = ValueFacts("attention_mask", "int64", ("batch", "sequence"))
IMAGE = ValueFacts("image", "float32", ("batch", 3, 4, 4))

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "a", "small", "cat", "dog")


def write_facts(folder: Path, *inputs: ValueFacts) -> Path:
    """`facts.json` of a model with these inputs."""
    path = folder / "facts.json"
    path.write_bytes(msgspec.json.encode(ModelFacts(8, (("", 17),), (), inputs, (), ())))
    return path


def write_arrays(path: Path, **arrays: NDArray[np.generic]) -> Path:
    """An .npz file of these arrays."""
    with path.open("wb") as stream:
        np.savez(stream, allow_pickle=True, **arrays)
    return path


def write_texts(path: Path, *lines: object) -> Path:
    """A .jsonl file of these values."""
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")
    return path


def write_tokenizer(path: Path, **changes: object) -> Path:
    """A tokenizer.json that knows WORDS, splits at spaces, and puts [CLS] and [SEP] around one text or two."""
    sequence = [{"Sequence": {"id": "A", "type_id": 0}}]
    pair = [*_wrapped("A", 0), {"Sequence": {"id": "B", "type_id": 1}}, _special("[SEP]", 1)]
    tokenizer: dict[str, object] = {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": None,
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [_special("[CLS]", 0), *sequence, _special("[SEP]", 0)],
            "pair": pair,
            "special_tokens": {
                token: {"id": token, "ids": [WORDS.index(token)], "tokens": [token]}
                for token in ("[CLS]", "[SEP]")
            },
        },
        "decoder": None,
        "model": {
            "type": "WordLevel",
            "vocab": {word: number for number, word in enumerate(WORDS)},
            "unk_token": "[UNK]",
        },
    }
    path.write_text(json.dumps({**tokenizer, **changes}), encoding="utf-8")
    return path


def sample(position: int, **feeds: NDArray[np.generic]) -> Sample:
    """A sample that feeds these arrays."""
    return Sample(position, feeds)


def numbered(count: int) -> tuple[Sample, ...]:
    """Samples that feed `x` = [0], [1], …"""
    return tuple(sample(number, x=np.array([number], np.int64)) for number in range(count))


def positions(samples: Sequence[Sample]) -> list[int]:
    """Where the samples stood in the user's file."""
    return [each.position for each in samples]


def _wrapped(identity: str, kind: int) -> list[object]:
    return [
        _special("[CLS]", kind),
        {"Sequence": {"id": identity, "type_id": kind}},
        _special("[SEP]", kind),
    ]


def _special(token: str, kind: int) -> object:
    return {"SpecialToken": {"id": token, "type_id": kind}}
