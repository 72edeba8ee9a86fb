"""Small checkpoints through export and back through onnxruntime, at sizes that the export did not see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime as ort
import pytest

from modelpack.engine.workers import ProcessWorkers
from modelpack.errors import StepError
from modelpack.steps.contract import StepOutput
from tests.support.checkpoints import make_checkpoint, make_sentence_checkpoint, write
from tests.support.decoders import decode, run_graph
from tests.support.exports import Array, Exporter, file_of, needs_export, state_of

pytestmark = [pytest.mark.export, needs_export]

# optimum's own tolerance for these models is 1e-4 and smaller; the inputs here are longer than those it tries.
CLOSE = 1e-4
ENDS = (5, 6, 9)  # of a decoder's calls: a prompt, a token, three at once


@pytest.fixture(scope="module")
def exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    workers = ProcessWorkers(1)
    yield Exporter(workers, tmp_path_factory.mktemp("export"))
    workers.stop()


def run(output: StepOutput, inputs: dict[str, Array], *names: str) -> list[Array]:
    session = ort.InferenceSession(file_of(output, "graph"), providers=["CPUExecutionProvider"])
    return list(session.run(list(names), inputs))


def measured(output: StepOutput, name: str) -> object:
    return next(one.value for one in output.measurements if one.name == name)


def shapes(path: Path) -> dict[str, list[int | str]]:
    session = ort.InferenceSession(path, providers=["CPUExecutionProvider"])
    return {value.name: value.shape for value in session.get_inputs()}


def tokens(batch: int, length: int) -> Array:
    return np.random.default_rng(1).integers(2, 99, (batch, length))


def text(batch: int, length: int) -> dict[str, Array]:
    ids = tokens(batch, length)
    mask = np.ones_like(ids)
    mask[0, -2:] = 0
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}


@pytest.mark.parametrize(
    ("kind", "task"), [("bert", "text-classification"), ("tagger", "token-classification")]
)
def test_export_of_a_classifier_gives_its_logits(exporter: Exporter, kind: str, task: str) -> None:
    checkpoint, inputs = exporter.checkpoint(kind), text(3, 29)
    output = exporter.export(checkpoint)
    (expected,) = exporter.expected(checkpoint, inputs, "logits")
    np.testing.assert_allclose(run(output, inputs, "logits")[0], expected, atol=CLOSE)
    assert measured(output, "task") == task
    assert state_of(output) == ()


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_export_of_a_decoder_continues_from_its_state(exporter: Exporter, kind: str) -> None:
    checkpoint = exporter.checkpoint(kind)
    output = exporter.export(checkpoint)
    ids = tokens(1, 9)
    (expected,) = exporter.expected(checkpoint, {"input_ids": ids}, "logits")
    state = {pair.input: pair.output for pair in state_of(output)}
    found = decode(file_of(output, "graph"), state, ids, ENDS)
    np.testing.assert_allclose(found, expected, atol=CLOSE)
    assert measured(output, "task") == "text-generation-with-past"


def test_export_of_a_decoder_without_past_has_no_state(exporter: Exporter) -> None:
    checkpoint = exporter.checkpoint("gpt2")
    output = exporter.export(checkpoint, task="text-generation")
    ids = tokens(2, 21)
    inputs = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "position_ids": np.tile(np.arange(21), (2, 1)),
    }
    (expected,) = exporter.expected(checkpoint, {"input_ids": ids}, "logits")
    np.testing.assert_allclose(run(output, inputs, "logits")[0], expected, atol=CLOSE)
    assert state_of(output) == ()


def test_export_of_images_fixes_their_size(exporter: Exporter) -> None:
    checkpoint = exporter.checkpoint("vit")
    output = exporter.export(checkpoint)
    images = np.random.default_rng(1).random((3, 3, 30, 30), np.float32)
    (expected,) = exporter.expected(checkpoint, {"pixel_values": images}, "logits")
    (found,) = run(output, {"pixel_values": images}, "logits")
    np.testing.assert_allclose(found, expected, atol=CLOSE)
    assert shapes(file_of(output, "graph")) == {"pixel_values": ["batch_size", 3, 30, 30]}


def test_export_of_texts_and_images(exporter: Exporter) -> None:
    checkpoint = exporter.checkpoint("clip")
    output = exporter.export(checkpoint)
    ids = tokens(2, 11)
    ids[:, -1] = 98  # the largest number ends a text, where the model looks for its meaning
    inputs: dict[str, Array] = {
        "input_ids": ids,
        "attention_mask": np.ones_like(ids),
        "pixel_values": np.random.default_rng(1).random((3, 3, 30, 30), np.float32),
    }
    names = ("logits_per_image", "text_embeds", "image_embeds")
    for found, expected in zip(
        run(output, inputs, *names), exporter.expected(checkpoint, inputs, *names), strict=True
    ):
        np.testing.assert_allclose(found, expected, atol=CLOSE)


def test_export_of_sound(exporter: Exporter) -> None:
    checkpoint = exporter.checkpoint("wav2vec2")
    output = exporter.export(checkpoint)
    sound = {"input_values": np.random.default_rng(1).standard_normal((2, 3200), np.float32)}
    (expected,) = exporter.expected(checkpoint, sound, "logits")
    np.testing.assert_allclose(run(output, sound, "logits")[0], expected, atol=CLOSE)


@pytest.mark.parametrize("kind", ["t5", "whisper"])
def test_export_of_an_encoder_and_a_decoder(exporter: Exporter, kind: str) -> None:
    output = exporter.export(exporter.checkpoint(kind))
    encoder, decoder = file_of(output, "encoder-graph"), file_of(output, "decoder-graph")
    assert "encoder_hidden_states" in shapes(decoder)
    assert set(shapes(encoder)) <= {"input_ids", "attention_mask", "input_features"}
    assert state_of(output, "encoder-state") == ()
    names = [pair.input for pair in state_of(output, "decoder-state")]
    assert names == [
        f"past_key_values.{layer}.decoder.{half}" for layer in (0, 1) for half in ("key", "value")
    ]


@pytest.mark.parametrize("kind", ["t5", "whisper"])
def test_export_of_an_encoder_and_a_decoder_writes_what_the_checkpoint_writes(
    exporter: Exporter, kind: str
) -> None:
    checkpoint, words = exporter.checkpoint(kind), tokens(1, 9)
    sound = np.random.default_rng(1).standard_normal((1, 8, 3000), np.float32)
    ids = tokens(1, 13)
    inputs: dict[str, Array] = (
        {"input_ids": ids, "attention_mask": np.ones_like(ids)}
        if kind == "t5"
        else {"input_features": sound}
    )
    names = ("encoder_last_hidden_state", "logits")
    expected = exporter.expected(checkpoint, {**inputs, "decoder_input_ids": words}, *names)
    output = exporter.export(checkpoint)
    (hidden,) = run_graph(file_of(output, "encoder-graph"), inputs, "last_hidden_state")
    np.testing.assert_allclose(hidden, expected[0], atol=CLOSE)
    state = {pair.input: pair.output for pair in state_of(output, "decoder-state")}
    encoded = {"encoder_hidden_states": hidden, "encoder_attention_mask": np.ones_like(ids)}
    for ends in (ENDS, tuple(range(1, 10)), (9,)):
        found = decode(file_of(output, "decoder-graph"), state, words, ends, encoded)
        np.testing.assert_allclose(found, expected[1], atol=CLOSE)


def test_export_of_sentences_gives_one_vector(exporter: Exporter, tmp_path: Path) -> None:
    checkpoint = exporter.checkpoint("sentences")
    make_sentence_checkpoint(tmp_path)  # its stages are put behind the real transformer
    for name in ("modules.json", "1_Pooling/config.json"):
        write(checkpoint / name, (tmp_path / name).read_bytes())
    output, inputs = exporter.export(checkpoint), text(3, 29)
    (hidden,) = exporter.expected(checkpoint, inputs, "last_hidden_state")
    mask = inputs["attention_mask"][..., None]
    mean = (hidden * mask).sum(1) / mask.sum(1)
    expected = mean / np.linalg.norm(mean, axis=1, keepdims=True)
    np.testing.assert_allclose(run(output, inputs, "sentence_embedding")[0], expected, atol=CLOSE)
    session = ort.InferenceSession(file_of(output, "graph"), providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_outputs()] == ["sentence_embedding"]


def test_export_repeats_to_the_byte(exporter: Exporter) -> None:
    checkpoint = exporter.checkpoint("bert")
    graphs = [file_of(exporter.export(checkpoint), "graph") for _ in range(2)]
    assert graphs[0].read_bytes() == graphs[1].read_bytes()


def test_export_writes_the_opset_that_is_wanted(exporter: Exporter) -> None:
    output = exporter.export(exporter.checkpoint("bert"), opset=17)
    assert measured(output, "opset") == 17


def test_export_that_differs_more_than_it_may_fails(exporter: Exporter) -> None:
    with pytest.raises(StepError, match=r"MP-E461.*within atol = 1e-12.*max diff") as caught:
        exporter.export(exporter.checkpoint("gpt2"), atol=1e-12)
    assert "set atol" in caught.value.remedy


def test_export_for_a_task_that_there_is_not_names_those_there_are(exporter: Exporter) -> None:
    with pytest.raises(StepError, match=r"MP-E460.*bert.*fill-mask"):
        exporter.export(exporter.checkpoint("bert"), task="image-classification")


def test_export_of_an_unknown_model_says_so(exporter: Exporter, tmp_path: Path) -> None:
    checkpoint = make_checkpoint(tmp_path, {"model_type": "own", "auto_map": {"AutoModel": "a.B"}})
    with pytest.raises(StepError, match=r"MP-E460.*cannot read config\.json"):
        exporter.export(checkpoint)


def test_export_without_an_architecture_asks_for_the_task(
    exporter: Exporter, tmp_path: Path
) -> None:
    checkpoint = make_checkpoint(tmp_path, {"model_type": "bert"})
    with pytest.raises(StepError, match=r"MP-E460.*does not tell its task — set task to one of"):
        exporter.export(checkpoint)
