"""Which files a build of a project reads, as far as the configuration tells and the last build found out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from modelpack.errors import ModelpackError
from modelpack.plan import make_plan
from modelpack.planned import (
    CheckpointFiles,
    InputRef,
    ProjectFile,
    ProjectFolder,
    SourceGraph,
    SourceModel,
    TfliteFile,
)
from modelpack.serve.snapshot import Watched
from modelpack.sources.locate import locate, npm_trail
from modelpack.sources.lock import lock_path
from modelpack.spec.project import Project
from modelpack.spec.sources import (
    CheckpointSource,
    FileSource,
    NpmSource,
    PythonSource,
    Source,
    UrlSource,
)


def watched_before(config: Path) -> Watched:
    """What there is to watch before the configuration is understood."""
    return Watched(
        frozenset({config, lock_path(config), config.with_name("modelpack.baseline.json")})
    )


def watched_of(project: Project) -> Watched:
    """What the configuration names: sources, samples, tokenizers, assets, metrics."""
    refs = {ref for step in make_plan(project, "production").steps for ref in step.inputs}
    paths = frozenset(path for ref in refs for path in _paths(ref))
    trees = frozenset(path for path in paths if path.is_dir())
    folders = frozenset(ref.path for ref in refs if isinstance(ref, ProjectFolder))
    ours = frozenset({project.output.path, project.cache.directory})
    return watched_before(project.config).joined(Watched(paths - trees, trees | folders, ours=ours))


def found_by_build(
    read: Mapping[Path, str], absent: Iterable[Path], ours: frozenset[Path]
) -> Watched:
    """What only a build finds out: where external data and installed packages lie. Nothing inside `ours` counts."""
    files = (path for path in {*read, *absent} if ours.isdisjoint(path.parents))
    return Watched(frozenset(path for path in files if not path.is_dir()))


def with_neighbours(watched: Watched) -> Watched:
    """The same and what lies beside the files: after a failure, a file that was not expected may be the remedy."""
    return watched.joined(Watched(names=frozenset(path.parent for path in watched.files)))


def _paths(ref: InputRef) -> Iterator[Path]:
    match ref:
        case ProjectFile(_, path) | ProjectFolder(_, path):
            yield path
        case SourceGraph(_, source) | SourceModel(_, source, _) | CheckpointFiles(_, source):
            yield from _source_paths(source)
        case TfliteFile(_, source):
            yield from _source_paths(source.origin)
        case _:  # results of steps, and files of the web, which are pinned
            return


def _source_paths(source: Source) -> Iterator[Path]:
    match source:
        case FileSource(path):
            yield path
        case NpmSource():
            path, nearer = npm_trail(source)
            yield path
            yield from nearer
        case PythonSource():
            with suppress(ModelpackError):
                yield locate(source)
        case CheckpointSource():
            yield source.folder
        case UrlSource():
            return
