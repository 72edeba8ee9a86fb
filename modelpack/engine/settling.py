"""Sources on the hub, settled before anything is planned: at which commit, which files, and the small ones at hand.

A revision is asked for once, when the lock does not know the source. From then on the lock says which bytes are meant, and
the hub is asked for files only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from msgspec.structs import replace

from modelpack.digest import digest_file
from modelpack.engine.hub import HubFile, fetch_from_hub, hub_file, list_repository
from modelpack.errors import SourceError, SourceUnreachableError
from modelpack.sources.checkpoint import Allowed
from modelpack.sources.download import Progress
from modelpack.sources.hub import is_small, wanted_files
from modelpack.sources.sourcing import hub_sources, with_sources
from modelpack.spec.project import Project
from modelpack.spec.sources import HubSource, PinnedFile
from modelpack.store.atomic import write_atomically
from modelpack.store.store import LAYOUT_FOLDER
from modelpack.units import format_size

_FOLDER = "hub"
_COMMIT = re.compile(r"[0-9a-f]{40,64}")
_LARGEST_SMALL_BYTES = 64 << 20  # tokenizers have had 30 MB


def at_hand(project: Project) -> Project:
    """The project, with hub sources whose small files lie in the cache naming their folder. Nothing is asked of the hub."""
    return with_sources(
        project, {source: _found(source, project) for source in hub_sources(project)}
    )


def settle(project: Project, progress: Progress, *, may_ask: bool) -> Project:
    """The project with every hub source at a commit and its small files at hand.

    Without `may_ask`, sources that the lock does not know stay as they are.
    Raises: SourceUnreachableError MP-E240, SourceError MP-E241, if the hub does not give what is needed.
    """
    settled = {}
    for source in hub_sources(project):
        known = source if source.commit or not may_ask else _resolved(source, progress)
        settled[source] = _fetched(known, project, progress) if known.commit else known
    return with_sources(project, settled)


def _resolved(source: HubSource, progress: Progress) -> HubSource:
    listing = list_repository(source)
    if not _COMMIT.fullmatch(listing.commit):
        found = f'the hub names no commit, but "{listing.commit[:80]}"'
        raise SourceUnreachableError("MP-E240", found, where=source.text)
    listed = {file.name: file for file in listing.files}
    allowed = Allowed(source.takes_pickles, source.takes_code)
    files = []
    for name in wanted_files(listed, source.path, source.text, allowed):
        size_bytes, sha256 = listed[name].size_bytes, listed[name].sha256
        if is_small(name) and size_bytes > _LARGEST_SMALL_BYTES:
            found = f"{name} has {format_size(size_bytes)}"
            raise SourceError(
                "MP-E222", f"{found}; it is not what its name says", where=source.text
            )
        if sha256 is None:
            file = HubFile(source.repo, listing.commit, name, size_bytes)
            sha256 = digest_file(fetch_from_hub(file, progress))
        files.append(PinnedFile(name, sha256, size_bytes))
    return replace(source, commit=listing.commit, files=tuple(files))


def _place(source: HubSource, project: Project) -> Path:
    name = source.repo.replace("/", "--")
    return project.cache.directory / LAYOUT_FOLDER / _FOLDER / name / source.commit


def _found(source: HubSource, project: Project) -> HubSource:
    folder = _place(source, project)
    if source.commit and all((folder / file.name).is_file() for file in _small(source)):
        return replace(source, folder=folder)
    return source


def _fetched(source: HubSource, project: Project, progress: Progress) -> HubSource:
    folder = _place(source, project)
    for file in _small(source):
        path = folder / file.name
        if path.is_file() and digest_file(path) == file.sha256:
            continue
        found = fetch_from_hub(hub_file(source, file), progress)
        write_atomically(path, found.read_bytes())  # small, and other builds may do the same now
    return replace(source, folder=folder)


def _small(source: HubSource) -> Iterator[PinnedFile]:
    return (file for file in source.files if is_small(file.name))
