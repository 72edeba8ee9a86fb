"""What the lock should say of a project's sources now, and whether it does."""

from __future__ import annotations

import json
from importlib import metadata
from pathlib import Path

from modelpack.digest import digest_file, digest_json
from modelpack.engine.downloads import fetch, keep
from modelpack.errors import FrozenError
from modelpack.sources.checkpoint import check_checkpoint
from modelpack.sources.download import Progress, Wanted
from modelpack.sources.locate import locate, npm_trail
from modelpack.sources.lock import Locked, lock_name, lock_path, read_lock
from modelpack.spec import (
    CheckpointSource,
    FileSource,
    NpmSource,
    Project,
    PythonSource,
    Source,
    UrlSource,
)
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


def _locked(source: Source, store: Store, progress: Progress) -> Locked:
    match source:
        case UrlSource():
            return Locked(source.sha256 or _download(source, store, progress))
        case CheckpointSource():
            check_checkpoint(source.folder, source.files)
            digests = [
                (name, store.stat_cache.digest(source.folder / name)[0]) for name in source.files
            ]
            return Locked(digest_json(digests), _version(source.origin))
        case FileSource() | NpmSource() | PythonSource():
            return Locked(store.stat_cache.digest(locate(source))[0], _version(source))


def _download(source: UrlSource, store: Store, progress: Progress) -> str:
    path = fetch(Wanted((source.url, *source.mirrors), None), store, progress)
    sha256 = digest_file(path)
    keep(path, sha256)  # the build that follows need not download it again
    return sha256


def _version(source: FileSource | NpmSource | PythonSource) -> str:
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
        case FileSource():
            return ""


def _npm_version(path: Path) -> str:
    try:
        version = json.loads(path.read_bytes()).get("version", "")
    except (OSError, ValueError, AttributeError):
        return ""
    return version if isinstance(version, str) else ""
