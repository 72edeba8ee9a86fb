from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.errors import SourceError
from modelpack.sources.checkpoint import Allowed, check_checkpoint, checkpoint_files, is_checkpoint
from tests.support.checkpoints import (
    MODULES,
    WEIGHTS,
    make_checkpoint,
    make_sentence_checkpoint,
    write,
)


def check(folder: Path) -> None:
    check_checkpoint(folder, checkpoint_files(folder))


def test_checkpoint_is_a_folder_with_a_configuration(tmp_path: Path) -> None:
    assert is_checkpoint(make_checkpoint(tmp_path / "bert"))
    assert not is_checkpoint(tmp_path)
    assert not is_checkpoint(tmp_path / "missing")
    assert not is_checkpoint(tmp_path / "bert" / "config.json")


def test_checkpoint_files_are_those_that_transformers_reads(tmp_path: Path) -> None:
    folder = make_checkpoint(
        tmp_path,
        README__md="# Bert",
        modeling_bert__py="raise SystemExit",
        pytorch_model__bin=b"PK",
        tf_model__h5=b"HDF",
        adapter_model__safetensors=WEIGHTS,
        onnx___model__onnx=b"",
    )
    assert checkpoint_files(folder) == (
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "vocab.txt",
    )


def test_checkpoint_files_follow_the_index_of_shards(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "model-00001.safetensors", "b": "model-00002.safetensors"}}
    folder = make_checkpoint(
        tmp_path,
        model__safetensors__index__json=index,
        **{"model-00001__safetensors": WEIGHTS, "model-00002__safetensors": WEIGHTS},
    )
    names = [name for name in checkpoint_files(folder) if name.endswith(".safetensors")]
    assert names == ["model-00001.safetensors", "model-00002.safetensors"]
    check(folder)


def test_checkpoint_files_include_the_stages_behind_a_transformer(tmp_path: Path) -> None:
    files = checkpoint_files(make_sentence_checkpoint(tmp_path))
    assert files[0] == "modules.json"
    assert "1_Pooling/config.json" in files


def test_checkpoint_in_a_folder_of_its_own_is_whole(tmp_path: Path) -> None:
    inside = {**MODULES[0], "path": "0_Transformer"}
    make_checkpoint(tmp_path / "0_Transformer")
    write(tmp_path / "modules.json", [inside])
    assert "0_Transformer/model.safetensors" in checkpoint_files(tmp_path)
    check(tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (WEIGHTS[:-1], "its header says"),
        (WEIGHTS + b"x", "its header says"),
        (WEIGHTS[:20], "cut off"),
        (b"", "cut off"),
        (b"\xff" * 64, "cut off"),
        (WEIGHTS.replace(b"data_offsets", b"data_0ffsets"), "cannot be read"),
    ],
)
def test_checkpoint_with_broken_weights_is_refused(
    tmp_path: Path, content: bytes, message: str
) -> None:
    with pytest.raises(SourceError, match=f"^.*MP-E222.*{message}"):
        check(make_checkpoint(tmp_path, model__safetensors=content))


def test_checkpoint_with_a_pointer_for_weights_names_git_lfs(tmp_path: Path) -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n"
    with pytest.raises(SourceError, match=r"MP-E202.*git lfs pull"):
        check(make_checkpoint(tmp_path, model__safetensors=pointer))


def test_checkpoint_of_pickles_is_refused(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, model__safetensors=None, pytorch_model__bin=b"PK")
    with pytest.raises(SourceError, match=r"MP-E207.*pytorch_model\.bin.*save_pretrained"):
        check(folder)


def test_checkpoint_that_ships_onnx_names_the_file(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, model__safetensors=None, onnx___model__onnx=b"x")
    with pytest.raises(SourceError, match=r'MP-E222.*name the file: "onnx/model\.onnx"'):
        check(folder)


def test_checkpoint_with_only_an_adapter_says_what_was_found(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, model__safetensors=None, adapter_model__safetensors=WEIGHTS)
    with pytest.raises(SourceError, match=r'MP-E222.*found "adapter_model\.safetensors"'):
        check(folder)


def test_checkpoint_without_a_shard_names_it(tmp_path: Path) -> None:
    index = {"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}
    folder = make_checkpoint(
        tmp_path, model__safetensors__index__json=index, one__safetensors=WEIGHTS
    )
    with pytest.raises(SourceError, match=r'MP-E222.*"two\.safetensors" is missing'):
        check(folder)


@pytest.mark.parametrize("name", ["../up", "a/b", "..", "/etc", "c:x", "a\\b"])
def test_checkpoint_names_stay_inside(tmp_path: Path, name: str) -> None:
    folder = make_checkpoint(tmp_path / "a", modules__json=[{**MODULES[1], "path": name}])
    with pytest.raises(SourceError, match=r"MP-E222.*lies outside"):
        checkpoint_files(folder)
    index = {"weight_map": {"a": name}}
    folder = make_checkpoint(tmp_path / "b", model__safetensors__index__json=index)
    with pytest.raises(SourceError, match=r"MP-E222.*lies outside"):
        checkpoint_files(folder)


def test_checkpoint_files_hold_a_pickle_and_code_only_where_allowed(tmp_path: Path) -> None:
    folder = make_checkpoint(
        tmp_path, pytorch_model__bin=b"pickle", modeling_words__py="", model__safetensors=None
    )
    both = {"pytorch_model.bin", "modeling_words.py"}
    assert both.isdisjoint(checkpoint_files(folder))
    assert both & set(checkpoint_files(folder, Allowed(pickle=True))) == {"pytorch_model.bin"}
    assert both <= set(checkpoint_files(folder, Allowed(pickle=True, code=True)))


SHARDS = {
    "pytorch_model__bin__index__json": {
        "weight_map": {
            "a": "pytorch_model-00001-of-00002.bin",
            "b": "pytorch_model-00002-of-00002.bin",
        }
    },
    "pytorch_model-00001-of-00002__bin": b"one",
}


def test_checkpoint_files_hold_the_shards_of_a_pickle_where_allowed(tmp_path: Path) -> None:
    second = {"pytorch_model-00002-of-00002__bin": b"two"}
    folder = make_checkpoint(tmp_path, model__safetensors=None, **SHARDS, **second)
    names = {"pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"}
    assert names.isdisjoint(checkpoint_files(folder))
    found = checkpoint_files(folder, Allowed(pickle=True))
    assert names | {"pytorch_model.bin.index.json"} <= set(found)
    check_checkpoint(folder, found)


def test_checkpoint_without_a_shard_of_a_pickle_names_it(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, model__safetensors=None, **SHARDS)
    found = checkpoint_files(folder, Allowed(pickle=True))
    with pytest.raises(
        SourceError, match=r'MP-E222.*"pytorch_model-00002-of-00002\.bin" is missing'
    ):
        check_checkpoint(folder, found)


def test_checkpoint_with_safetensors_needs_no_pickle(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path, pytorch_model__bin=b"pickle")
    assert "pytorch_model.bin" not in checkpoint_files(folder, Allowed(pickle=True))
