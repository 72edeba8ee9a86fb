"""The keys that say where a model comes from, and how a checkpoint becomes one."""

from __future__ import annotations

from typing import get_args

from modelpack.config.containers import Key, ListOf, Values
from modelpack.config.fields import Choice, Count, Positive, Text
from modelpack.config.source_field import URL_PATTERN, SourceField
from modelpack.spec import Export, Library, Source, UrlSource

SOURCE = Key(
    "source",
    SourceField(),
    'The ONNX file, or the folder of a Hugging Face checkpoint: a path, "npm:package/path", "py:package/path", "https://…" or "hf:org/repo@revision".',
    required=True,
)
SHA256 = Key(
    "sha256",
    Text("64 hexadecimal digits", r"^[0-9a-f]{64}$", 64),
    "The SHA-256 of a file from the web. Without it, what modelpack.lock records.",
)
MIRRORS = Key(
    "mirrors",
    ListOf(Text('an address such as "https://example.com/model.onnx"', URL_PATTERN)),
    "Other addresses of the same file, tried in turn.",
)
TASK = Key(
    "task",
    Text('a task of optimum such as "feature-extraction"', r"^[a-z0-9]+(-[a-z0-9]+)*$", 64),
    "What a checkpoint is exported for, in optimum's words. Without it, what its architecture says.",
)
OPSET = Key("opset", Count(13, 20), "ONNX opset of the export. Without it, optimum's choice.")
ATOL = Key(
    "atol",
    Positive(0.0001, 1000),
    "Most absolute difference between the exported model and the checkpoint. Without it, optimum's choice.",
)
LIBRARY = Key(
    "library",
    Choice[Library](get_args(Library), ("timm", "diffusers")),
    "The library that a checkpoint is for. Without it, what its files say.",
)
EXPORT_KEYS: tuple[Key[object], ...] = (TASK, OPSET, ATOL, LIBRARY)


def read_source(model: Values) -> Source:
    """The model's source, with what pins it."""
    source = model.value(SOURCE)
    if not isinstance(source, UrlSource):
        return source
    return UrlSource(source.url, model.get(MIRRORS) or (), model.get(SHA256))


def read_export(model: Values) -> Export:
    """How the model is exported, if it is."""
    return Export(model.get(TASK), model.get(OPSET), model.get(ATOL), model.get(LIBRARY))
