"""Where the graph of a model comes from within a plan: a file, a download, or an export."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from modelpack.planned import (
    CheckpointFiles,
    ConvertParams,
    ExportParams,
    FetchParams,
    FunctionFiles,
    InputRef,
    InspectParams,
    RemoteFiles,
    SourceGraph,
    SourceModel,
    Step,
    TfliteFile,
    TracedFunction,
    Upstream,
)
from modelpack.spec.golden import Reference
from modelpack.spec.project import Model
from modelpack.spec.sources import (
    CheckpointSource,
    ExportedSource,
    FunctionSource,
    HubSource,
    TfliteSource,
    UrlSource,
)


def export_step(model: Model | Reference, source: ExportedSource) -> str:
    """The name of the step that exports or converts the model; models that are parts of one checkpoint share it."""
    if isinstance(source, TfliteSource):
        return f"convert:{model.id}"
    return f"export:{model.id.removesuffix(f'.{source.part}') if source.part else model.id}"


def exported_role(source: ExportedSource, output: str) -> str:
    """What the export step calls an output (`graph`, `model`, `state`) of the model's part."""
    return f"{source.part}-{output}" if source.part else output


def first_steps(model: Model | Reference) -> Iterator[Step]:
    """The steps from where the model comes from to the facts about it."""
    match model.source:
        case CheckpointSource():
            yield _export(model, model.source)
        case FunctionSource():
            yield _traced(model, model.source)
        case TfliteSource():
            yield _converted(model, model.source)
        case UrlSource() | HubSource():
            remote = RemoteFiles("model", model.source)
            yield Step("fetch", model.id, FetchParams(), (remote,))
        case _:
            pass
    yield _inspect(model)


def source_ref(model: Model | Reference, role: str) -> InputRef:
    """The whole model as it came, under that role."""
    if isinstance(model.source, ExportedSource):
        return _exported(model, model.source, role, "model")
    if isinstance(model.source, UrlSource | HubSource):
        return Upstream(role, f"fetch:{model.id}", "model")
    return SourceModel(role, model.source, f"inspect:{model.id}")


def _export(model: Model | Reference, source: CheckpointSource) -> Step:
    target = export_step(model, source).removeprefix("export:")
    whole = replace(source, part="")
    return Step(
        "export", target, ExportParams(model.export), (CheckpointFiles("checkpoint", whole),)
    )


def _traced(model: Model | Reference, source: FunctionSource) -> Step:
    traced = TracedFunction(source.module, source.function, source.dimensions)
    files = FunctionFiles("code", source)
    return Step("export", model.id, ExportParams(model.export, traced), (files,))


def _converted(model: Model | Reference, source: TfliteSource) -> Step:
    params = ConvertParams(model.export.opset, model.export.atol)
    return Step("convert", model.id, params, (TfliteFile("tflite", source),))


def _inspect(model: Model | Reference) -> Step:
    return Step(
        "inspect",
        model.id,
        InspectParams(model.outputs, model.free_dimensions, model.state),
        (_graph(model),),
    )


def _graph(model: Model | Reference) -> InputRef:
    if isinstance(model.source, ExportedSource):
        return _exported(model, model.source, "model", "graph")
    if isinstance(model.source, UrlSource | HubSource):
        return Upstream("model", f"fetch:{model.id}", "graph")
    return SourceGraph("model", model.source)


def _exported(model: Model | Reference, source: ExportedSource, role: str, output: str) -> Upstream:
    return Upstream(role, export_step(model, source), exported_role(source, output))
