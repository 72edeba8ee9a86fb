from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from modelpack.errors import StepError
from modelpack.graph.golden.texts import read_texts
from modelpack.record import ValueFacts
from tests.support.golden_sets import IDS, IMAGE, MASK, write_texts, write_tokenizer

TYPES = ValueFacts("token_type_ids", "int32", ("batch", "sequence"))
LONG = " ".join(["cat"] * 600)


def feeds(
    tmp_path: Path, line: object, *inputs: ValueFacts, **tokenizer: object
) -> dict[str, list[list[int]]]:
    path = write_texts(tmp_path / "s.jsonl", line)
    (sample,) = read_texts(path, write_tokenizer(tmp_path / "tokenizer.json", **tokenizer), inputs)
    return {name: array.tolist() for name, array in sample.feeds.items()}


def test_read_texts_string_becomes_ids_and_mask(tmp_path: Path) -> None:
    assert feeds(tmp_path, "a small cat", IDS, MASK) == {
        "input_ids": [[2, 4, 5, 6, 3]],
        "attention_mask": [[1, 1, 1, 1, 1]],
    }


def test_read_texts_pair_gets_types_in_the_models_integers(tmp_path: Path) -> None:
    path = write_texts(tmp_path / "s.jsonl", {"text": "cat", "text_pair": "dog"})
    (sample,) = read_texts(path, write_tokenizer(tmp_path / "t.json"), [IDS, TYPES])
    assert sample.feeds["input_ids"].tolist() == [[2, 6, 3, 7, 3]]
    assert sample.feeds["token_type_ids"].tolist() == [[0, 0, 0, 1, 1]]
    assert sample.feeds["token_type_ids"].dtype == np.int32


def test_read_texts_unknown_word_and_object_form(tmp_path: Path) -> None:
    assert feeds(tmp_path, {"text": "a zebra"}, IDS) == {"input_ids": [[2, 4, 1, 3]]}


def test_read_texts_fixed_length_is_padded_to(tmp_path: Path) -> None:
    fixed = [ValueFacts(value.name, "int64", (1, 6)) for value in (IDS, MASK)]
    assert feeds(tmp_path, "a cat", *fixed) == {
        "input_ids": [[2, 4, 6, 3, 0, 0]],
        "attention_mask": [[1, 1, 1, 1, 0, 0]],
    }


def test_read_texts_fixed_length_cuts(tmp_path: Path) -> None:
    fixed = ValueFacts("input_ids", "int64", ("batch", 4))
    assert feeds(tmp_path, LONG, fixed) == {"input_ids": [[2, 6, 6, 3]]}


def test_read_texts_without_any_limit_are_cut_at_512(tmp_path: Path) -> None:
    assert len(feeds(tmp_path, LONG, IDS)["input_ids"][0]) == 512


def test_read_texts_tokenizers_own_limit_counts(tmp_path: Path) -> None:
    truncation = {"direction": "Right", "max_length": 10, "strategy": "LongestFirst", "stride": 0}
    assert len(feeds(tmp_path, LONG, IDS, truncation=truncation)["input_ids"][0]) == 10


def test_read_texts_tokenizers_own_padding_is_dropped(tmp_path: Path) -> None:
    padding = {
        "strategy": {"Fixed": 32},
        "direction": "Right",
        "pad_to_multiple_of": None,
        "pad_id": 7,
        "pad_type_id": 0,
        "pad_token": "dog",
    }
    assert feeds(tmp_path, "cat", IDS, padding=padding) == {"input_ids": [[2, 6, 3]]}
    fixed = ValueFacts("input_ids", "int64", (1, 4))
    assert feeds(tmp_path, "cat", fixed, padding=padding) == {"input_ids": [[2, 6, 3, 7]]}


def test_read_texts_blank_lines_are_skipped(tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_text('\n"cat"\r\n\n"dog"', encoding="utf-8")
    samples = read_texts(path, write_tokenizer(tmp_path / "t.json"), [IDS])
    assert [sample.position for sample in samples] == [0, 1]


@pytest.mark.parametrize("line", [b"cat", b"[]", b'{"txt": "cat"}', b'{"text": 1}', b'"\xff"'])
def test_read_texts_other_lines_are_refused_with_their_number(line: bytes, tmp_path: Path) -> None:
    path = tmp_path / "s.jsonl"
    path.write_bytes(b'"fine"\n' + line)
    with pytest.raises(StepError, match=r"MP-E501 s\.jsonl:2: expected a JSON string") as caught:
        read_texts(path, write_tokenizer(tmp_path / "t.json"), [IDS])
    assert caught.value.remedy == "write one JSON value per line"


@pytest.mark.parametrize("value", [IMAGE, ValueFacts("input_ids", "float32", (1, 4))])
def test_read_texts_other_inputs_are_refused(value: ValueFacts, tmp_path: Path) -> None:
    path = write_texts(tmp_path / "s.jsonl", "cat")
    with pytest.raises(StepError, match=r"MP-E502 s\.jsonl: texts give input_ids, attention_mask"):
        read_texts(path, write_tokenizer(tmp_path / "t.json"), [value])


def test_read_texts_other_tokenizer_files_are_refused(tmp_path: Path) -> None:
    tokenizer = tmp_path / "tokenizer.json"
    tokenizer.write_text("{}", encoding="utf-8")
    with pytest.raises(StepError, match=r"MP-E501 tokenizer\.json: not a tokenizer\.json"):
        read_texts(write_texts(tmp_path / "s.jsonl", "cat"), tokenizer, [IDS])


def test_read_texts_without_tokenizers_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    with pytest.raises(StepError) as caught:
        read_texts(write_texts(tmp_path / "s.jsonl", "cat"), tmp_path / "t.json", [IDS])
    assert caught.value.code == "MP-E404"
    assert caught.value.remedy == "pip install 'modelpack[golden]'"
