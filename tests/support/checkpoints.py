"""Folders that look like checkpoints: whole files, invented weights. Nothing that could export them is needed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

BERT = {"architectures": ["BertModel"], "model_type": "bert"}
T5 = {
    "architectures": ["T5ForConditionalGeneration"],
    "model_type": "t5",
    "is_encoder_decoder": True,
}
MODULES = [
    {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
    {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    {
        "idx": 2,
        "name": "2",
        "path": "2_Normalize",
        "type": "sentence_transformers.models.Normalize",
    },
]


def safetensors_bytes(**tensors: npt.NDArray[np.float32]) -> bytes:
    """The tensors as a safetensors file."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    data = b""
    for name, tensor in tensors.items():
        span = [len(data), len(data) + tensor.nbytes]
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": span}
        data += tensor.tobytes()
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + data


WEIGHTS = safetensors_bytes(w=np.ones((2, 3), np.float32))


def make_checkpoint(folder: Path, config: object = None, **files: bytes | str | object) -> Path:
    """A checkpoint in `folder`; in the names of files `__` is a dot, `___` a slash. None leaves a file out."""
    contents: dict[str, object] = {
        "config.json": config or BERT,
        "model.safetensors": WEIGHTS,
        "tokenizer.json": {},
        "tokenizer_config.json": {},
        "vocab.txt": "a\nb\n",
    }
    contents |= {name.replace("___", "/").replace("__", "."): file for name, file in files.items()}
    for name, content in contents.items():
        if content is not None:
            write(folder / name, content)
    return folder


def make_sentence_checkpoint(folder: Path) -> Path:
    """A checkpoint of sentence-transformers with mean pooling and normalisation."""
    pooling = {"word_embedding_dimension": 4, "pooling_mode_mean_tokens": True}
    write(folder / "1_Pooling" / "config.json", pooling)
    return make_checkpoint(folder, modules__json=MODULES)


def write(path: Path, content: object) -> None:
    """The file with these bytes, this text, or this value as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content if isinstance(content, str) else json.dumps(content))
