"""Small checkpoints of every kind through the whole build, in every variant, and back through onnxruntime."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from msgspec import Struct

from modelpack.engine.workers import ProcessWorkers
from tests.support.cli import modelpack_process
from tests.support.decoders import Floats, decode, run_graph
from tests.support.exports import Array, Exporter, needs_export
from tests.support.reassembly import Pack

pytestmark = [pytest.mark.export, pytest.mark.slow, needs_export]

VARIANTS = ("fp32", "fp16", "q8", "uint8", "q4", "q4f16", "bnb4")
# Its layers have 16 numbers, which no format with blocks of 32 narrows.
TOO_SMALL_FOR_Q4 = ("wav2vec2",)
ENDS = (4, 5, 6, 9)  # of the calls of a decoder: a prompt, a token, another one, three at once
# How far from transformers, as a share of the length of all values: twice what the format costs layers of 32 random numbers
# (measured: fp32 5e-7, fp16 8e-4, 8 bits 0.03, 4 bits 0.32, the worst of them always CLIP).
CLOSE = {
    "fp32": 1e-5,
    "fp16": 2e-3,
    "q8": 0.06,
    "uint8": 0.06,
    "q4": 0.6,
    "q4f16": 0.6,
    "bnb4": 0.6,
}


class Case(Struct, frozen=True):
    """A checkpoint, what its (last) graph is given and gives, and what transformers gives for it."""

    inputs: dict[str, Array]
    output: str
    expected: Floats


class Built(Struct, frozen=True):
    """The built project, and a case for each checkpoint."""

    folder: Path
    cases: dict[str, Case]
    rows: list[dict[str, str]]


def text(length: int = 13) -> dict[str, Array]:
    ids = np.random.default_rng(1).integers(2, 90, (1, length))
    return {
        "input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids)
    }  # fmt: skip


def inputs_of(kind: str) -> tuple[dict[str, Array], str]:  # noqa: PLR0911 (one for each kind)
    """What the checkpoint is given, and the output that is compared."""
    random, words = np.random.default_rng(2), text(9)["input_ids"]
    match kind:
        case "gpt2" | "llama":
            return {"input_ids": words}, "logits"
        case "vit":
            return {"pixel_values": random.random((2, 3, 30, 30), np.float32)}, "logits"
        case "clip":
            pictures = random.random((2, 3, 30, 30), np.float32)
            return {**text(), "pixel_values": pictures}, "logits_per_image"
        case "wav2vec2":
            return {"input_values": random.standard_normal((1, 3200), np.float32)}, "logits"
        case "t5":
            return {**text(), "decoder_input_ids": words}, "logits"
        case "whisper":
            sound = random.standard_normal((1, 8, 3000), np.float32)
            return {"input_features": sound, "decoder_input_ids": words}, "logits"
        case _:
            return text(), "logits"


KINDS = ("bert", "tagger", "gpt2", "llama", "vit", "clip", "wav2vec2", "t5", "whisper")
TAKEN_BY_NO_CHECKPOINT = {"t5": {"token_type_ids"}, "clip": {"token_type_ids"}}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    exporter = Exporter(ProcessWorkers(1), tmp_path_factory.mktemp("exported"))
    folder, cases, lines = exporter.folder, {}, []
    (folder / ".git").mkdir()
    for kind in KINDS:
        checkpoint = exporter.checkpoint(kind)
        inputs, output = inputs_of(kind)
        left_out = TAKEN_BY_NO_CHECKPOINT.get(kind, set())
        inputs = {name: value for name, value in inputs.items() if name not in left_out}
        (expected,) = exporter.expected(checkpoint, inputs, output)
        cases[kind] = Case(inputs, output, expected)
        variants = VARIANTS[:4] if kind in TOO_SMALL_FOR_Q4 else VARIANTS
        lines += [f"[models.{kind}]", f'source = "{kind}"']
        lines += [f"variants = {{ {', '.join(f'{one} = {settings(one)}' for one in variants)} }}"]
    exporter.workers.stop()
    (folder / "modelpack.toml").write_text("\n".join(lines))
    answer = modelpack_process("build", "-C", folder, "--json")
    assert answer.code == 0, answer.err
    return Built(folder, cases, json.loads(answer.out)["variants"])


def settings(variant: str) -> str:
    """Those for webgpu have nodes that it does not run, such as IsNaN: here that is no reason to fail."""
    is_for_webgpu = variant in {"fp16", "q4f16"}
    return '{ accept_fallback = { "*" = "numbers are compared" } }' if is_for_webgpu else "{}"


def test_exported_models_are_built_in_every_variant(built: Built) -> None:
    assert {row["model"] for row in built.rows} == {
        "bert", "tagger", "gpt2", "llama", "vit", "clip", "t5.encoder", "t5.decoder", "wav2vec2",
        "whisper.encoder", "whisper.decoder",
    }  # fmt: skip
    assert len(built.rows) == 10 * len(VARIANTS) + 4
    verified = modelpack_process("verify", "-C", built.folder)
    assert verified.code == 0, verified.err
    manifest = json.loads((built.folder / "public" / "models" / "manifest.json").read_text())
    assert [pair["input"] for pair in manifest["models"]["gpt2"]["state"]] == [
        f"past_key_values.{layer}.{half}" for layer in (0, 1) for half in ("key", "value")
    ]
    assert list(manifest["models"]["bert"]["assets"]) == [
        "config", "special_tokens_map", "tokenizer", "tokenizer_config",
    ]  # fmt: skip


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("kind", KINDS)
def test_exported_variant_gives_what_transformers_gives(
    built: Built, kind: str, variant: str
) -> None:
    if kind in TOO_SMALL_FOR_Q4 and variant not in VARIANTS[:4]:
        return  # the next test
    case, pack = built.cases[kind], Pack(built.folder / "public" / "models")
    found = computed(pack, kind, variant, case)
    difference = np.linalg.norm(found - case.expected) / np.linalg.norm(case.expected)
    assert difference <= CLOSE[variant]


def computed(pack: Pack, kind: str, variant: str, case: Case) -> Floats:
    """The published model's output, of decoders over several calls that carry their state."""
    place = pack.folder / "assembled" / kind / variant
    models = pack.manifest["models"]
    if kind in {"gpt2", "llama"}:
        graph = pack.assemble(pack.variant(kind, variant), place)
        return decode(graph, state_of(models[kind]), case.inputs["input_ids"], ENDS)
    if kind in {"t5", "whisper"}:
        parts = {
            part: pack.assemble(pack.variant(f"{kind}.{part}", variant), place / part)
            for part in ("encoder", "decoder")
        }
        (hidden,) = run_graph(parts["encoder"], case.inputs, "last_hidden_state")
        encoded: dict[str, Array] = {"encoder_hidden_states": hidden}
        if kind == "t5":
            encoded["encoder_attention_mask"] = case.inputs["attention_mask"]
        state, words = state_of(models[f"{kind}.decoder"]), case.inputs["decoder_input_ids"]
        return decode(parts["decoder"], state, words, ENDS, encoded)
    graph = pack.assemble(pack.variant(kind, variant), place)
    return run_graph(graph, case.inputs, case.output)[0]


def test_exported_encoder_and_decoder_share_assets_and_equal_weights(built: Built) -> None:
    pack = Pack(built.folder / "public" / "models")
    files = [pack.manifest["models"][f"t5.{part}"]["assets"] for part in ("encoder", "decoder")]
    parts = [[pack.files[name]["parts"] for name in assets.values()] for assets in files]
    assert parts[0] == parts[1] != []
    for variant in ("fp32", "fp16", "q8"):  # the words of both are one table, of a megabyte in fp32
        encoder, decoder = (
            whole_chunks(pack, f"t5.{one}", variant) for one in ("encoder", "decoder")
        )
        assert len(encoder & decoder) == 1


def whole_chunks(pack: Pack, model: str, variant: str) -> set[int]:
    """The chunks that belong to one file of weights each."""
    names = [data["file"] for data in pack.variant(model, variant)["externalData"]]
    parts = [part for name in names for part in pack.files[name]["parts"]]
    return {part for part in parts if isinstance(part, int)}


def state_of(model: dict[str, list[dict[str, str]]]) -> dict[str, str]:
    return {pair["input"]: pair["output"] for pair in model["state"]}


def test_exported_model_that_is_too_small_for_blocks_says_so_in_one_line(built: Built) -> None:
    config = built.folder / "small" / "modelpack.toml"
    config.parent.mkdir()
    for dtype in ("q4", "q4f16", "bnb4"):
        config.write_text(
            f'[models.sound]\nsource = "../wav2vec2"\nvariants = {{ {dtype} = {settings(dtype)} }}\n'
        )
        refused = modelpack_process("build", "-C", config.parent)
        (line,) = [line for line in refused.err.splitlines() if line.startswith("MP-")]
        assert (refused.code, "MP-E450" in line, f"{dtype} changes nothing" in line) == (
            1,
            True,
            True,
        )
