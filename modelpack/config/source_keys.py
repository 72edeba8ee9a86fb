"""The keys that say where a model comes from, and how a checkpoint becomes one."""

from __future__ import annotations

from typing import get_args

from msgspec.structs import replace

from modelpack.config.containers import Key, ListOf, MapOf, Values
from modelpack.config.fields import Choice, Count, PathField, Positive, Text
from modelpack.config.flag_field import Flag
from modelpack.config.source_field import URL_PATTERN, SourceField
from modelpack.spec.sources import Export, FunctionSource, HubSource, Library, Source, UrlSource

SOURCE = Key(
    "source",
    SourceField(),
    'The ONNX file, a TensorFlow Lite file, or the folder of a Hugging Face checkpoint: a path, "npm:package/path", "py:package/path", "https://…", "hf:org/repo@revision" or "python:module:function".',
    required=True,
)
SHA256 = Key(
    "sha256",
    Text("64 hexadecimal digits", r"^[0-9a-f]{64}$", 64),
    "The SHA-256 of a file from the web; without it, what modelpack.lock records. With allow_pickle, that of the pickle.",
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
OPSET = Key("opset", Count(13, 20), "ONNX opset of the export. Without it, the exporter's choice.")
ATOL = Key(
    "atol",
    Positive(0.0001, 1000),
    "Most absolute difference between the exported model and the checkpoint. Without it, the exporter's choice.",
)
LIBRARY = Key(
    "library",
    Choice[Library](get_args(Library), ("timm", "diffusers")),
    "The library that a checkpoint is for. Without it, what its files say.",
)
DYNAMIC_DIMENSIONS = Key(
    "dynamic_dimensions",
    MapOf(
        Text("the name of an input"),
        MapOf(
            Text("the number of an axis, from 0", r"^[0-9]$", 1),
            Text("a name", r"^[A-Za-z_][A-Za-z0-9_]*$", 64),
        ),
    ),
    'Axes of a function\'s inputs that are open, such as { image = { 0 = "batch" } }.',
)
FILES = Key(
    "files",
    ListOf(PathField("models/weights.safetensors")),
    "Files that a function reads, beside the modules it imports.",
)
ALLOW_PICKLE = Key(
    "allow_pickle",
    Flag(),
    "Reads pytorch_model.bin where a checkpoint has no safetensors: a pickle, pinned by sha256 or by the lock.",
)
TRUST_REMOTE_CODE = Key(
    "trust_remote_code",
    Flag(),
    "Runs the Python files of a checkpoint on the hub, at a commit of 40 characters.",
)
EXPORT_KEYS: tuple[Key[object], ...] = (TASK, OPSET, ATOL, LIBRARY)


def read_source(model: Values) -> Source:
    """The model's source, with what pins it."""
    source = model.value(SOURCE)
    if isinstance(source, FunctionSource):
        return replace(source, files=model.get(FILES) or (), dimensions=_dimensions(model))
    if isinstance(source, HubSource):
        pickles, code = model.get(ALLOW_PICKLE), model.get(TRUST_REMOTE_CODE)
        return replace(source, takes_pickles=bool(pickles), takes_code=bool(code))
    if not isinstance(source, UrlSource):
        return source
    return UrlSource(source.url, model.get(MIRRORS) or (), model.get(SHA256))


def _dimensions(model: Values) -> tuple[tuple[str, int, str], ...]:
    written = model.get(DYNAMIC_DIMENSIONS) or {}
    return tuple(
        (name, int(axis), dimension)
        for name, axes in sorted(written.items())
        for axis, dimension in sorted(axes.items())
    )


def read_export(model: Values) -> Export:
    """How the model is exported, if it is."""
    return Export(
        model.get(TASK),
        model.get(OPSET),
        model.get(ATOL),
        model.get(LIBRARY),
        model.get(ALLOW_PICKLE) or None,
        model.get(TRUST_REMOTE_CODE) or None,
        model.get(SHA256) if model.get(ALLOW_PICKLE) else None,
    )
