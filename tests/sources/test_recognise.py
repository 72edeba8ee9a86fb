from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.config.read import read_project
from modelpack.errors import UsageError
from modelpack.sources.recognise import recognise
from modelpack.spec.project import Asset, Model, Project
from modelpack.spec.sources import (
    CheckpointSource,
    FileSource,
    HubSource,
    PythonSource,
    TfliteSource,
    UrlSource,
)
from tests.support.checkpoints import T5, make_checkpoint, make_sentence_checkpoint, write


def project(folder: Path, *lines: str) -> Project:
    (folder / ".git").mkdir()
    config = folder / "modelpack.toml"
    config.write_text("\n".join(("[models.words]", 'source = "words"', *lines)))
    return recognise(read_project(config, "production"))


def model(folder: Path, *lines: str) -> Model:
    (found,) = project(folder, *lines).models
    return found


def test_recognise_takes_a_folder_with_a_checkpoint_for_one(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "words")
    source = model(tmp_path).source
    assert isinstance(source, CheckpointSource)
    assert (source.origin, source.folder, source.part) == (FileSource(folder), folder, "")
    assert source.files[:2] == ("config.json", "model.safetensors")


def test_recognise_leaves_everything_else(tmp_path: Path) -> None:
    assert model(tmp_path).source == FileSource(tmp_path / "words")
    (tmp_path / "words").mkdir()
    again = recognise(read_project(tmp_path / "modelpack.toml", "production"))
    assert again.models[0].source == FileSource(tmp_path / "words")


def test_recognise_gives_a_model_what_a_page_needs_beside_it(tmp_path: Path) -> None:
    folder = make_checkpoint(tmp_path / "words", generation_config__json={})
    assert model(tmp_path).assets == (
        Asset("config", folder / "config.json"),
        Asset("generation_config", folder / "generation_config.json"),
        Asset("tokenizer", folder / "tokenizer.json"),
        Asset("tokenizer_config", folder / "tokenizer_config.json"),
    )


def test_recognise_without_tokenizer_json_gives_its_parts(tmp_path: Path) -> None:
    make_checkpoint(tmp_path / "words", tokenizer__json=None, merges__txt="")
    names = [asset.name for asset in model(tmp_path).assets]
    assert names == ["config", "tokenizer_config", "vocab", "merges"]


def test_recognise_keeps_declared_assets(tmp_path: Path) -> None:
    make_checkpoint(tmp_path / "words")
    found = model(tmp_path, 'assets = { labels = "labels.json" }')
    assert found.assets == (Asset("labels", tmp_path / "labels.json"),)


@pytest.mark.parametrize(
    "golden", ['{ samples = "g.jsonl" }', '{ samples = "g.npz", other = "g.jsonl" }']
)
def test_recognise_reads_golden_texts_with_the_tokenizer_of_the_checkpoint(
    golden: str, tmp_path: Path
) -> None:
    folder = make_sentence_checkpoint(tmp_path / "words")
    found = model(tmp_path, f"golden = {golden}").golden
    assert found is not None
    assert found.tokenizer == folder / "tokenizer.json"


def test_recognise_makes_two_models_of_an_encoder_and_a_decoder(tmp_path: Path) -> None:
    make_checkpoint(tmp_path / "words", T5)
    found = project(tmp_path, "variants.q8 = {}").models
    parts = [(one.id, one.source.part) for one in found if isinstance(one.source, CheckpointSource)]
    assert parts == [("words.encoder", "encoder"), ("words.decoder", "decoder")]


@pytest.mark.parametrize(
    ("task", "models"), [("text2text-generation", 2), ("feature-extraction", 1)]
)
def test_recognise_knows_which_tasks_take_two_graphs(
    tmp_path: Path, task: str, models: int
) -> None:
    make_checkpoint(tmp_path / "words", T5)
    assert len(project(tmp_path, f'task = "{task}"').models) == models


@pytest.mark.parametrize(
    "line", ['task = "feature-extraction"', "opset = 17", "atol = 1", 'library = "transformers"']
)
def test_recognise_refuses_settings_of_an_export_for_a_file(tmp_path: Path, line: str) -> None:
    (tmp_path / "words").write_bytes(b"onnx")
    key = line.partition(" ")[0]
    with pytest.raises(UsageError, match=f'MP-E113 modelpack.toml models.words.{key}: "{key}"'):
        project(tmp_path, line)


def test_recognise_does_not_need_what_is_not_installed(tmp_path: Path) -> None:
    (tmp_path / ".git").mkdir()
    config = tmp_path / "modelpack.toml"
    config.write_text('[models.words]\nsource = "py:not_installed_here/model"\ntask = "a"\n')
    (found,) = recognise(read_project(config, "production")).models
    assert found.source == PythonSource("not_installed_here", "model")


TFLITE = b"\x1c\0\0\0TFL3...."


def test_recognise_takes_a_tflite_file_for_one_by_its_content(tmp_path: Path) -> None:
    (tmp_path / "words").write_bytes(TFLITE)
    assert model(tmp_path).source == TfliteSource(FileSource(tmp_path / "words"))


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://a.org/m.tflite?download=1", UrlSource("https://a.org/m.tflite?download=1")),
        ("hf:acme/words/m.tflite@main", HubSource("acme/words", "main", "m.tflite")),
    ],
)
def test_recognise_takes_a_tflite_file_elsewhere_for_one_by_its_name(
    tmp_path: Path, text: str, origin: UrlSource | HubSource
) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / "modelpack.toml").write_text(f'[models.words]\nsource = "{text}"\nopset = 17\n')
    (found,) = recognise(read_project(tmp_path / "modelpack.toml", "production")).models
    assert found.source == TfliteSource(origin)


def test_recognise_refuses_a_task_for_a_tflite_file(tmp_path: Path) -> None:
    (tmp_path / "words").write_bytes(TFLITE)
    with pytest.raises(UsageError, match=r'MP-E113.*"task" is for checkpoints'):
        project(tmp_path, "opset = 17", 'task = "fill-mask"')


def test_recognise_gives_sentences_their_pooling_and_their_length(tmp_path: Path) -> None:
    folder = make_sentence_checkpoint(tmp_path / "words")
    write(folder / "sentence_bert_config.json", {"max_seq_length": 256})
    assets = {asset.name: asset.path for asset in model(tmp_path).assets}
    assert assets["pooling"] == folder / "1_Pooling" / "config.json"
    assert assets["sentence_bert_config"] == folder / "sentence_bert_config.json"


def test_recognise_gives_encoder_and_decoder_the_same_assets(tmp_path: Path) -> None:
    make_checkpoint(tmp_path / "words", T5)
    encoder, decoder = project(tmp_path).models
    assert (encoder.id, decoder.id) == ("words.encoder", "words.decoder")
    assert encoder.assets == decoder.assets != ()
