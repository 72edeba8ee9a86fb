"""What the sources of a project really are: a checkpoint is exported, and brings its companion files.

Only names are looked at, and two small JSON files; whether a checkpoint is whole shows when it is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from modelpack.errors import ModelpackError, SourceError, UsageError
from modelpack.sources.checkpoint import (
    CONFIG,
    Allowed,
    checkpoint_files,
    is_checkpoint,
    modules_of,
    read_json,
    transformer_prefix,
)
from modelpack.sources.hub import graphs_of
from modelpack.sources.locate import locate
from modelpack.sources.sniff import is_tflite
from modelpack.spec.golden import Golden
from modelpack.spec.project import Asset, Model, Project
from modelpack.spec.sources import (
    CheckpointSource,
    Export,
    ExportedSource,
    FunctionSource,
    HubSource,
    Source,
    TfliteSource,
    UrlSource,
)

_TFLITE = ".tflite"
_FOR_TFLITE = ("opset", "atol")
_TOKENIZER = "tokenizer.json"
# What a page needs to prepare inputs and read outputs, by the names that transformers and transformers.js know.
_ASSETS = (
    CONFIG,
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
    _TOKENIZER,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "chat_template.jinja",
    "sentence_bert_config.json",  # how many tokens a text may have
    "config_sentence_transformers.json",  # what is put in front of a query
)
# What tokenizer.json holds already.
_ASSETS_WITHOUT_TOKENIZER = (
    "vocab.txt",
    "vocab.json",
    "merges.txt",
    "spiece.model",
    "tokenizer.model",
)
# Heads that write text step by step. Their encoder runs once, their decoder many times: two graphs.
_WRITING_HEADS = ("ForConditionalGeneration", "MTModel", "LMHeadModel", "EncoderDecoderModel")
_WRITING_TASKS = ("text2text-generation", "automatic-speech-recognition", "image-to-text")
_TWO_GRAPHS = ("encoder", "decoder")


class _Config(msgspec.Struct, frozen=True):
    architectures: tuple[str, ...] | None = None
    is_encoder_decoder: bool = False


def recognise(project: Project) -> Project:
    """The project with every checkpoint folder as a CheckpointSource, as many models as it gives graphs.

    Raises: UsageError MP-E113 where settings of an export stand beside a source that is not exported.
    """
    models = tuple(one for model in project.models for one in _recognised(model, project))
    sources = {model.id: model.source for model in models}
    return replace(project, models=tuple(_with_reference(model, sources) for model in models))


def _recognised(model: Model, project: Project) -> Iterator[Model]:
    if isinstance(model.source, FunctionSource):
        yield model
        return
    place = _place(model)
    if _is_tflite(model.source, place):
        yield _to_convert(model, project)
        return
    if isinstance(model.source, HubSource) and place is not None:
        graphs = _hub_graphs(model.source, model, project)
        if graphs:
            yield from (_as_it_is(model, model.source, *graph) for graph in graphs)
            return
    if place is None or not (place.is_dir() and is_checkpoint(place)):
        if isinstance(model.source, HubSource) and place is not None:
            raise _no_checkpoint(model.source)
        is_known = place is not None or isinstance(model.source, UrlSource)
        if is_known and model.export != Export():
            raise _not_exported(model, project)
        yield model
        return
    assert not isinstance(model.source, ExportedSource | UrlSource)  # noqa: S101 (for the type checker)
    allowed = Allowed(bool(model.export.allow_pickle), bool(model.export.trust_remote_code))
    source = CheckpointSource(
        model.source,
        place,
        _files(model.source, place, allowed),
        pickle_sha256=model.export.pickle_sha256,
    )
    exported = replace(
        model,
        source=source,
        assets=model.assets
        or tuple(_assets(source.folder, transformer_prefix(source.folder), source.files)),
        golden=_golden(model.golden, source.folder / transformer_prefix(source.folder)),
    )
    if not _has_two_graphs(source, model.export):
        yield exported
        return
    for part in _TWO_GRAPHS:
        yield replace(exported, id=f"{model.id}.{part}", source=replace(source, part=part))


def _is_tflite(source: Source, place: Path | None) -> bool:
    """By content; a file that lies elsewhere by its name."""
    match source:
        case UrlSource(url=url):
            return urlsplit(url).path.lower().endswith(_TFLITE)
        case HubSource(path=path):
            return path.lower().endswith(_TFLITE)
        case _:
            return place is not None and is_tflite(place)


def _to_convert(model: Model, project: Project) -> Model:
    assert not isinstance(model.source, ExportedSource)  # noqa: S101 (for the type checker)
    if replace(model.export, **dict.fromkeys(_FOR_TFLITE)) != Export():
        raise _not_exported(model, project, _FOR_TFLITE)
    return replace(model, source=TfliteSource(model.source))


def _with_reference(model: Model, sources: Mapping[str, Source]) -> Model:
    """The model, comparing with what its reference really is."""
    if model.golden is None or model.golden.reference is None:
        return model
    reference = model.golden.reference
    found = replace(reference, source=sources.get(reference.id, reference.source))
    return replace(model, golden=replace(model.golden, reference=found))


def _place(model: Model) -> Path | None:
    """Where the source lies; None where it is not there, which is said when it is needed."""
    if isinstance(model.source, HubSource):
        return model.source.folder
    try:
        return locate(model.source)
    except ModelpackError:
        return None


def _files(origin: Source, folder: Path, allowed: Allowed) -> tuple[str, ...]:
    names = {file.name for file in origin.files} if isinstance(origin, HubSource) else None
    return checkpoint_files(folder, allowed, names)


def _hub_graphs(source: HubSource, model: Model, project: Project) -> tuple[tuple[str, str], ...]:
    """The ONNX files that are used as they are: none where the configuration asks for an export."""
    if model.export == Export():
        return graphs_of((file.name for file in source.files), source.path)
    if source.path:
        raise _not_exported(model, project)
    return ()


def _as_it_is(model: Model, source: HubSource, part: str, graph: str) -> Model:
    folder = source.folder or Path()
    names = tuple(file.name for file in source.files)
    return replace(
        model,
        id=f"{model.id}.{part}" if part else model.id,
        source=replace(source, graph=graph),
        assets=model.assets or tuple(_assets(folder, "", names)),
        golden=_golden(model.golden, folder),
    )


def _no_checkpoint(source: HubSource) -> SourceError:
    return SourceError(
        "MP-E222",
        "the repository has no config.json, so it cannot be exported",
        where=source.text,
        remedy=f'name an ONNX file of it: "hf:{source.repo}/model.onnx@{source.revision}"',
    )


def _assets(folder: Path, prefix: str, files: tuple[str, ...]) -> Iterator[Asset]:
    held = {name.removeprefix(prefix) for name in files if name.startswith(prefix)}
    names = _ASSETS if _TOKENIZER in held else (*_ASSETS, *_ASSETS_WITHOUT_TOKENIZER)
    for name in names:
        if name in held:
            yield Asset(name.rpartition(".")[0], folder / prefix / name)
    for module in modules_of(folder):
        if module.type.endswith(".Pooling") and f"{module.path}/{CONFIG}" in files:
            yield Asset("pooling", folder / module.path / CONFIG)


def _golden(golden: Golden | None, folder: Path) -> Golden | None:
    if golden is None or golden.tokenizer is not None or not _has_texts(golden):
        return golden
    return replace(golden, tokenizer=folder / _TOKENIZER)


def _has_texts(golden: Golden) -> bool:
    return any(path.suffix == ".jsonl" for path in (golden.samples, golden.other) if path)


def _has_two_graphs(source: CheckpointSource, export: Export) -> bool:
    path = source.folder / transformer_prefix(source.folder) / CONFIG
    config = read_json(path, _Config) if path.is_file() else _Config()
    if not config.is_encoder_decoder:
        return False
    if export.task is not None:
        return export.task.removesuffix("-with-past") in _WRITING_TASKS
    return any(name.endswith(_WRITING_HEADS) for name in config.architectures or ())


def _not_exported(model: Model, project: Project, fit: Collection[str] = ()) -> UsageError:
    written = next(
        name
        for name in Export.__struct_fields__
        if name not in fit and getattr(model.export, name) is not None
    )
    return UsageError(
        "MP-E113",
        f'"{written}" is for checkpoints; this source is none',
        where=f"{project.config.name} models.{model.id}.{written}",
        remedy="remove it, or name the folder of a checkpoint",
    )
