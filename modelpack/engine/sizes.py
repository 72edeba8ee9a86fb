"""How large a model is, before anything of it is built."""

from __future__ import annotations

from modelpack.engine.downloads import held_bytes
from modelpack.engine.resolved import remote_files
from modelpack.sources.function import function_files
from modelpack.sources.locate import locate
from modelpack.spec.project import Model
from modelpack.spec.sources import (
    CheckpointSource,
    FileSource,
    FunctionSource,
    HubSource,
    NpmSource,
    PythonSource,
    Source,
    TfliteSource,
    UrlSource,
)
from modelpack.store.store import Store


def model_bytes(model: Model, store: Store) -> int:
    """The bytes of its graph and its weights, as far as they are known. Of a checkpoint, those of all its parts."""
    return _source_bytes(model.source, store)


def _source_bytes(source: Source, store: Store) -> int:  # noqa: PLR0911 (one for each kind)
    match source:
        case TfliteSource(origin=HubSource() as origin):
            return sum(file.size_bytes for file in origin.files if file.name == origin.path)
        case TfliteSource(origin=origin):
            return _source_bytes(origin, store)
        case CheckpointSource(origin=HubSource() as origin):
            weights = (file for file in origin.files if file.name in source.files)
            return sum(file.size_bytes for file in weights)
        case CheckpointSource():
            return sum((source.folder / name).stat().st_size for name in source.files)
        case UrlSource():
            files = remote_files("model", source)
            return sum(file.size_bytes or held_bytes(file.digest, store) for file in files)
        case FunctionSource():
            return sum(path.stat().st_size for path in function_files(source).files)
        case HubSource():
            return sum(file.size_bytes for file in remote_files("model", source))
        case FileSource() | NpmSource() | PythonSource():
            path = locate(source)
            beside = path.parent.glob(f"{path.name.removesuffix('.onnx')}*data*")
            return sum(file.stat().st_size for file in {path, *beside} if file.is_file())
