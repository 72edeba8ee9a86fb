"""What the lock should say of a project's sources now, and whether it does."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from msgspec.structs import replace

from modelpack.digest import digest_file, digest_json
from modelpack.engine.downloads import fetch, keep
from modelpack.engine.inspecting import inspect_file
from modelpack.engine.resolved import beside
from modelpack.errors import FrozenError
from modelpack.sources.checkpoint import check_checkpoint
from modelpack.sources.download import Progress, Wanted
from modelpack.sources.external import data_locations
from modelpack.sources.locate import locate, npm_trail
from modelpack.sources.lock import (
    Locked,
    lock_bytes,
    lock_name,
    lock_path,
    locked_files,
    locked_hub,
    read_lock,
)
from modelpack.spec.project import Model, Project
from modelpack.spec.sources import (
    CheckpointSource,
    FileSource,
    FunctionSource,
    HubSource,
    NpmSource,
    PinnedFile,
    PythonSource,
    Source,
    TfliteSource,
    UrlSource,
)
from modelpack.store.atomic import write_atomically
from modelpack.store.store import Store

_UPDATE = "run `modelpack lock --update`, and commit modelpack.lock"


def locked_now(project: Project, store: Store, progress: Progress) -> dict[str, Locked]:
    """What each source is now, by its name in the lock. Files from the web that nothing pins are downloaded.

    Raises: SourceError, SourceUnreachableError if a source is not there.
    """
    folder = project.config.parent
    sources = {lock_name(model.source, folder): model.source for model in project.models}
    found = {
        name: _locked(source, store, progress) for name, source in sorted(sources.items()) if name
    }
    store.stat_cache.save()
    return found


def record_hub(project: Project) -> bool:
    """Adds sources on the hub to the lock, as they were settled. False where it had them all."""
    path = lock_path(project.config)
    written = read_lock(path)
    found = {
        lock_name(source, path.parent): locked_hub(source)
        for source in (_on_hub(model.source) for model in project.models)
        if source is not None and source.commit
    }
    if all(name in written for name in found):
        return False
    write_atomically(path, lock_bytes({**found, **written}))
    return True


def record_model(project: Project, id_: str, store: Store, progress: Progress) -> tuple[Model, ...]:
    """The models that the configuration's model `id_` gives; its source is in the lock from now on.

    Raises: SourceError, SourceUnreachableError if it cannot be had.
    """
    models = tuple(one for one in project.models if one.id == id_ or one.id.startswith(f"{id_}."))
    now = locked_now(replace(project, models=models), store, progress)
    path = lock_path(project.config)
    if now:
        write_atomically(path, lock_bytes({**read_lock(path), **now}))
    return models


def check_lock(project: Project, store: Store) -> None:
    """Nothing, where the lock says what the sources are. Raises: FrozenError MP-E721, naming the first that differs."""
    path = lock_path(project.config)
    written = read_lock(path)
    folder = project.config.parent
    names = {lock_name(model.source, folder) for model in project.models} - {""}
    if names and not path.is_file():
        raise FrozenError("MP-E721", "is missing", where=str(path), remedy=_UPDATE)
    for name in sorted(names - written.keys()):
        raise _differs(path, name, "is not in it")
    for name, locked in locked_now(project, store, lambda _done, _total: None).items():
        if written[name] != locked:
            raise _differs(path, name, difference(written[name], locked))


def difference(written: Locked, now: Locked) -> str:
    """What is not as it was written, as the end of a sentence."""
    if written.version != now.version:
        return f"is version {now.version or 'unknown'}; the lock has {written.version or 'none'}"
    return f"has SHA-256 {now.sha256[:16]}…; the lock has {written.sha256[:16]}…"


def _differs(path: Path, name: str, found: str) -> FrozenError:
    return FrozenError("MP-E721", f"{name} {found}", where=str(path), remedy=_UPDATE)


def _on_hub(source: Source) -> HubSource | None:
    origin = source.origin if isinstance(source, CheckpointSource | TfliteSource) else source
    return origin if isinstance(origin, HubSource) else None


def _locked(  # noqa: PLR0911 (one for each kind)
    source: Source, store: Store, progress: Progress
) -> Locked:
    match source:
        case UrlSource():
            return _locked_url(source, store, progress)
        case HubSource():
            return locked_hub(source)
        case TfliteSource(origin=UrlSource() as origin):
            return _locked_url(origin, store, progress, is_graph=False)
        case TfliteSource(origin=origin):
            return _locked(origin, store, progress)
        case CheckpointSource(origin=HubSource() as origin):
            return locked_hub(origin)
        case CheckpointSource():
            check_checkpoint(source.folder, source.files)
            digests = [
                (name, store.stat_cache.digest(source.folder / name)[0]) for name in source.files
            ]
            return Locked(digest_json(digests), _version(source.origin))
        case FileSource() | NpmSource() | PythonSource() | FunctionSource():
            return Locked(store.stat_cache.digest(locate(source))[0], _version(source))


def _locked_url(
    source: UrlSource, store: Store, progress: Progress, *, is_graph: bool = True
) -> Locked:
    """The file, and if it is a graph, its data files; downloaded, unless the lock knows them already."""
    if source.sha256 is not None and source.data is not None:
        return Locked(source.sha256, files=locked_files(source.data))
    wanted = Wanted((source.url, *source.mirrors), source.sha256)
    graph = fetch(wanted, store, progress, is_graph=is_graph)
    sha256 = digest_file(graph)
    locations = data_locations(graph, inspect_file(graph)) if is_graph else ()
    keep(graph, sha256)  # the build that follows need not download it again
    data = []
    for name in locations:
        path = fetch(Wanted(beside(source, name), None), store, progress, is_graph=False)
        data.append(PinnedFile(name, digest_file(path), path.stat().st_size))
        keep(path, data[-1].sha256)
    return Locked(sha256, files=locked_files(data))


def _version(source: Source) -> str:
    """The version of the package that the source is in; empty where it is in none, or has none."""
    match source:
        case NpmSource():
            place = npm_trail(source)[0]
            root = place.parents[len(Path(source.path).parts) - 1]
            return _npm_version(root / "package.json")
        case PythonSource():
            top = source.package.partition(".")[0]
            names = metadata.packages_distributions().get(top, ())
            return metadata.version(names[0]) if names else ""
        case _:
            return ""


def _npm_version(path: Path) -> str:
    try:
        version = json.loads(path.read_bytes()).get("version", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return version if isinstance(version, str) else ""
