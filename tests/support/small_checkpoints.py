"""Small checkpoints with random weights, made from configurations. Runs in workers only: it imports torch."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import load_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoConfig, PretrainedConfig, PreTrainedModel

_WORDS = 97
_TEXT = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
_WIDE = {"intermediate_size": 37, "max_position_embeddings": 64}
_IMAGE = {"image_size": 30, "patch_size": 6, "intermediate_size": 37}
_WHISPER = {
    "d_model": 32, "encoder_layers": 2, "decoder_layers": 2, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 64, "decoder_ffn_dim": 64, "vocab_size": 99,
    "num_mel_bins": 8,
    "max_target_positions": 40, "decoder_start_token_id": 85, "bos_token_id": 98, "eos_token_id": 98,
    "pad_token_id": 97, "suppress_tokens": None, "begin_suppress_tokens": None,
}  # fmt: skip
_WAV2VEC2 = {
    "vocab_size": 32, "hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
    "intermediate_size": 20, "conv_dim": (16, 16, 16), "conv_stride": (4, 4, 4),
    "conv_kernel": (8, 8, 8), "num_feat_extract_layers": 3, "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 2, "feat_extract_norm": "layer", "do_stable_layer_norm": True,
}  # fmt: skip

KINDS: dict[str, tuple[str, str, dict[str, object]]] = {
    "bert": ("BertForSequenceClassification", "bert", {**_TEXT, **_WIDE, "num_labels": 3}),
    "tagger": ("BertForTokenClassification", "bert", {**_TEXT, **_WIDE, "num_labels": 5}),
    "sentences": ("BertModel", "bert", {**_TEXT, **_WIDE}),
    "gpt2": (
        "GPT2LMHeadModel",
        "gpt2",
        {"vocab_size": 99, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    ),
    "many-words": (  # above 20 MB, from where fp16 pays
        "GPT2LMHeadModel",
        "gpt2",
        {"vocab_size": 170_000, "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64},
    ),
    "llama": ("LlamaForCausalLM", "llama", {**_TEXT, **_WIDE, "num_key_value_heads": 2}),
    "vit": (
        "ViTForImageClassification",
        "vit",
        {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, **_IMAGE},
    ),
    "clip": (
        "CLIPModel",
        "clip",
        {
            "text_config": {**_TEXT, **_WIDE, "bos_token_id": 0, "eos_token_id": 1},
            "vision_config": {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
            | _IMAGE,
            "projection_dim": 16,
        },
    ),
    "wav2vec2": ("Wav2Vec2ForCTC", "wav2vec2", _WAV2VEC2),
    "t5": (
        "T5ForConditionalGeneration",
        "t5",
        {"vocab_size": 8192, "d_model": 32, "d_kv": 8, "d_ff": 37, "num_layers": 2, "num_heads": 4}
        | {"decoder_start_token_id": 0},
    ),
    "whisper": ("WhisperForConditionalGeneration", "whisper", _WHISPER),
}


def make(order: tuple[str, Path]) -> Path:
    """A checkpoint of that kind in the folder, with the same weights each time."""
    kind, folder = order
    name, model_type, settings = KINDS[kind]
    torch.manual_seed(0)
    config = AutoConfig.for_model(model_type, **settings)
    getattr(transformers, name)(config).save_pretrained(folder)
    if kind not in {"vit", "wav2vec2", "whisper"}:
        _save_tokenizer(folder)
    if kind in {"vit", "clip"}:
        size = {"height": 30, "width": 30}
        transformers.ViTImageProcessor(size=size).save_pretrained(folder)
    if kind == "whisper":
        transformers.WhisperFeatureExtractor(feature_size=8).save_pretrained(folder)
    return folder


def pickle(folder: Path) -> Path:
    """The checkpoint with its weights in a pickle, in place of safetensors."""
    weights = folder / "model.safetensors"
    torch.save(load_file(weights), folder / "pytorch_model.bin")
    weights.unlink()
    return folder


def shard(folder: Path) -> Path:
    """The checkpoint with its weights in several pickles, in place of safetensors."""
    model = _model(folder)
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, safe_serialization=False, max_shard_size="20KB")
    return folder


OWN_CODE = """
from transformers import BertConfig, BertForSequenceClassification

class OwnConfig(BertConfig):
    pass

class OwnModel(BertForSequenceClassification):
    config_class = OwnConfig

    def forward(self, input_ids, attention_mask, token_type_ids):
        found = super().forward(input_ids, attention_mask, token_type_ids)
        return {"logits": found.logits * 2 + 1}
"""


def bring_code(folder: Path) -> Path:
    """The checkpoint with a model class of its own, in a Python file beside it: twice the logits, and one."""
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {
        "AutoConfig": "own.OwnConfig",
        "AutoModelForSequenceClassification": "own.OwnModel",
    }
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "own.py").write_text(OWN_CODE)
    return folder


def outputs(order: tuple[Path, dict[str, np.ndarray], tuple[str, ...]]) -> list[np.ndarray]:
    """What transformers itself computes for these inputs: the named outputs."""
    folder, inputs, names = order
    model = _model(folder)
    with torch.inference_mode():
        found = model(**{name: torch.from_numpy(value) for name, value in inputs.items()})
    return [found[name].numpy() for name in names]


def _model(folder: Path) -> PreTrainedModel:
    config: PretrainedConfig = AutoConfig.from_pretrained(folder)
    kind = getattr(transformers, (config.architectures or [""])[0])
    model: PreTrainedModel = kind.from_pretrained(folder).eval()
    return model


def _save_tokenizer(folder: Path) -> None:
    unknown, padding = "[UNK]", "[PAD]"
    vocabulary = {unknown: 0, padding: 1, **{f"w{number}": number + 2 for number in range(_WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token=unknown))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token=unknown, pad_token=padding
    ).save_pretrained(folder)
