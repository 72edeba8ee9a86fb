"""Samples from a .jsonl file of texts, through a Hugging Face `tokenizer.json`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import numpy as np

from modelpack.errors import StepError
from modelpack.graph.golden.fitting import describe
from modelpack.graph.golden.packages import missing_package
from modelpack.graph.golden.samples import Sample
from modelpack.graph.sessions import Array
from modelpack.record import ValueFacts

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer

# What BERT-like models can take at most, where neither tokenizer nor model says.
_LONGEST_TOKENS = 512
_LARGEST_FILE_BYTES = 1 << 28
_FIELDS = {
    "input_ids": "ids",
    "attention_mask": "attention_mask",
    "token_type_ids": "type_ids",
}


class Text(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A line of the file: a text, or two that belong together (a question and its passage)."""

    text: str
    text_pair: str | None = None


def read_texts(path: Path, tokenizer: Path, inputs: Sequence[ValueFacts]) -> tuple[Sample, ...]:
    """One sample per line, each input int64 or int32 [1, tokens].

    Texts are cut at the length the model has fixed (and padded to it), else at the tokenizer's own limit, else at 512.

    Raises: StepError MP-E404 without the `tokenizers` package, MP-E501 if a file cannot be read, MP-E502 if the model
    wants an input that texts do not give.
    """
    _check_inputs(inputs, path.name)
    texts = tuple(_lines(path))
    encoder = _encoder(tokenizer, _fixed_length(inputs))
    return tuple(
        Sample(position, _feeds(encoder.encode(text.text, text.text_pair), inputs))
        for position, text in enumerate(texts)
    )


def _feeds(encoding: Encoding, inputs: Sequence[ValueFacts]) -> dict[str, Array]:
    return {
        value.name: np.array([getattr(encoding, _FIELDS[value.name])], np.dtype(value.dtype))
        for value in inputs
    }


def _check_inputs(inputs: Sequence[ValueFacts], where: str) -> None:
    for value in inputs:
        if value.name not in _FIELDS or value.dtype not in {"int64", "int32"}:
            raise StepError(
                "MP-E502",
                f"texts give {', '.join(_FIELDS)} as int64 or int32; the model wants {describe(value)}",
                where=where,
                remedy="write the samples as .npz instead",
            )


def _lines(path: Path) -> Iterator[Text]:
    if path.stat().st_size > _LARGEST_FILE_BYTES:
        raise StepError(
            "MP-E501", "more than 256 MiB of texts", where=path.name, remedy="keep fewer samples"
        )
    for number, line in enumerate(path.read_bytes().splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found = msgspec.json.decode(line, type=str | Text)
        except (msgspec.DecodeError, UnicodeDecodeError) as err:
            raise StepError(
                "MP-E501",
                f'expected a JSON string or {{"text": …}} ({err})',
                where=f"{path.name}:{number}",
                remedy="write one JSON value per line",
            ) from err
        yield Text(found) if isinstance(found, str) else found


def _fixed_length(inputs: Sequence[ValueFacts]) -> int | None:
    sizes = {value.shape[-1] for value in inputs if value.shape}
    return min((size for size in sizes if isinstance(size, int)), default=None)


def _encoder(path: Path, fixed_length: int | None) -> Tokenizer:
    tokenizer = _load(path)
    own_limit = (tokenizer.truncation or {}).get("max_length", _LONGEST_TOKENS)
    tokenizer.enable_truncation(fixed_length or own_limit)
    padding = tokenizer.padding or _padding(tokenizer)
    tokenizer.no_padding()
    if fixed_length:
        tokenizer.enable_padding(
            length=fixed_length,
            pad_id=padding["pad_id"],
            pad_type_id=padding["pad_type_id"],
            pad_token=padding["pad_token"],
        )
    return tokenizer


def _padding(tokenizer: Tokenizer) -> dict[str, int | str]:
    """The usual padding token, where the tokenizer declares none."""
    for token in ("[PAD]", "<pad>"):
        number = tokenizer.token_to_id(token)
        if number is not None:
            return {"pad_id": number, "pad_type_id": 0, "pad_token": token}
    return {"pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}


def _load(path: Path) -> Tokenizer:
    try:
        from tokenizers import Tokenizer  # noqa: PLC0415  an extra: most builds have no texts
    except ImportError as err:
        raise missing_package("texts", "tokenizers") from err
    try:
        return Tokenizer.from_file(str(path))
    except Exception as err:  # tokenizers raises Exception itself
        raise StepError(
            "MP-E501",
            f"not a tokenizer.json ({err})",
            where=path.name,
            remedy="use the tokenizer.json that belongs to the model",
        ) from err
