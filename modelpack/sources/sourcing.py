"""The sources of a project, wherever it names one: of its models, and of the models that others are compared with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from msgspec.structs import replace

from modelpack.spec.golden import Golden
from modelpack.spec.project import Model, Project
from modelpack.spec.sources import HubSource, Source


def hub_sources(project: Project) -> tuple[HubSource, ...]:
    """Each source on the hub, once."""
    found = (source for source in _sources(project) if isinstance(source, HubSource))
    return tuple(dict.fromkeys(found))


def with_sources(project: Project, changed: Mapping[HubSource, Source]) -> Project:
    """The project, with these sources in place of those."""
    if not changed:
        return project
    return replace(project, models=tuple(_with(model, changed) for model in project.models))


def _sources(project: Project) -> Iterator[Source]:
    for model in project.models:
        yield model.source
        if model.golden is not None and model.golden.reference is not None:
            yield model.golden.reference.source


def _with(model: Model, changed: Mapping[HubSource, Source]) -> Model:
    golden = None if model.golden is None else _golden(model.golden, changed)
    return replace(model, source=_of(model.source, changed), golden=golden)


def _golden(golden: Golden, changed: Mapping[HubSource, Source]) -> Golden:
    if golden.reference is None:
        return golden
    source = _of(golden.reference.source, changed)
    return replace(golden, reference=replace(golden.reference, source=source))


def _of(source: Source, changed: Mapping[HubSource, Source]) -> Source:
    return changed.get(source, source) if isinstance(source, HubSource) else source
