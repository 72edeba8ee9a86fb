from __future__ import annotations

import pytest

from modelpack.errors import SourceError
from modelpack.sources.hub import data_files, graphs_of, wanted_files

WHERE = "hf:acme/words@main"


def test_hub_files_of_a_repository_with_onnx_hold_one_graph_and_the_weights() -> None:
    names = [
        ".gitattributes", "1_Pooling/config.json", "README.md", "config.json", "model.safetensors",
        "onnx/config.json", "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model_fp16.onnx",
        "openvino/openvino_model.xml", "pytorch_model.bin", "tokenizer.json", "vocab.txt",
    ]  # fmt: skip
    assert wanted_files(names, "", WHERE) == (
        "1_Pooling/config.json", "config.json", "model.safetensors", "onnx/model.onnx",
        "onnx/model.onnx_data", "tokenizer.json", "vocab.txt",
    )  # fmt: skip


def test_hub_files_of_a_named_graph_hold_no_other_weights() -> None:
    names = ["config.json", "model.safetensors", "onnx/model.onnx", "onnx/model_int8.onnx"]
    assert wanted_files(names, "onnx/model_int8.onnx", WHERE) == (
        "config.json",
        "onnx/model_int8.onnx",
    )


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["model.onnx", "onnx/model.onnx"], (("", "onnx/model.onnx"),)),
        (["model.onnx"], (("", "model.onnx"),)),
        (["faces.onnx", "config.json"], (("", "faces.onnx"),)),
        (["a.onnx", "b.onnx"], ()),
        (["onnx/decoder_model.onnx", "onnx/decoder_model_merged.onnx"],
         (("", "onnx/decoder_model_merged.onnx"),)),
        (["onnx/encoder_model.onnx", "onnx/decoder_model.onnx", "onnx/decoder_model_merged.onnx"],
         (("encoder", "onnx/encoder_model.onnx"), ("decoder", "onnx/decoder_model_merged.onnx"))),
        (["encoder_model.onnx", "decoder_model.onnx", "decoder_with_past_model.onnx"],
         (("encoder", "encoder_model.onnx"), ("decoder", "decoder_model.onnx"),
          ("decoder_with_past", "decoder_with_past_model.onnx"))),
        ([], ()),
    ],
)  # fmt: skip
def test_hub_graphs_are_those_that_exporters_name(
    names: list[str], expected: tuple[tuple[str, str], ...]
) -> None:
    assert graphs_of(names, "") == expected


def test_hub_data_files_are_those_beside_the_graph() -> None:
    names = [
        "onnx/model.onnx", "onnx/model.onnx_data", "onnx/model.onnx_data_1", "onnx/model.data",
        "onnx/model_q4.onnx_data", "model.onnx_data",
    ]  # fmt: skip
    assert data_files("onnx/model.onnx", names) == (
        "onnx/model.data", "onnx/model.onnx_data", "onnx/model.onnx_data_1",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["pytorch_model.bin", "config.json"], 'MP-E207.*"pytorch_model.bin" only, a pickle'),
        (["a.onnx", "b.onnx"], 'MP-E208.*several ONNX files.*"hf:acme/words/a.onnx@main"'),
        (["README.md"], "MP-E208.*neither ONNX files nor a checkpoint"),
    ],
)
def test_hub_repository_without_a_model_says_what_it_has(names: list[str], expected: str) -> None:
    with pytest.raises(SourceError, match=expected):
        wanted_files(names, "", WHERE)
