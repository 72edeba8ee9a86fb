"""The cache directory as one value.

    <directory>/.gitignore CACHEDIR.TAG
    <directory>/v1/blobs      content, by digest (blobs.py)
    <directory>/v1/actions    results, by key (actions.py)
    <directory>/v1/histories  last keys, by project and task (histories.py)
    <directory>/v1/stats      digests of source files, by project (stat_cache.py)
    <directory>/v1/scratch    folders of running steps (scratch.py)

1. The cache is optional: a directory that cannot be made, written or trusted costs time and one warning, never a build.
2. The layout is versioned as a whole: another version's folder is left alone, and nothing is migrated in place.
3. Half-made directories are completed. Nobody is ever told to delete something.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

from msgspec import Struct, field, structs

from modelpack.digest import digest_bytes
from modelpack.errors import StoreError
from modelpack.store.actions import Actions
from modelpack.store.atomic import write_atomically, writing
from modelpack.store.blobs import Blobs
from modelpack.store.histories import Histories
from modelpack.store.removal import remove_tree
from modelpack.store.scratch import Scratch
from modelpack.store.stat_cache import StatCache
from modelpack.store.trust import distrust, is_private, is_writable

LAYOUT_FOLDER = "v1"
_FOLDERS = ("blobs", "actions", "histories", "stats", "scratch")
_MARKERS = {
    ".gitignore": "*\n",
    # https://bford.info/cachedir/: backup programs skip what carries this tag.
    "CACHEDIR.TAG": "Signature: 8a477f597d28d172789f06886806bc55\n# This is the cache of modelpack.\n",
}


class Store(Struct, frozen=True):
    """Everything that is kept between builds. `directory` was asked for; writes may go elsewhere (`warnings`)."""

    blobs: Blobs
    actions: Actions
    histories: Histories
    stat_cache: StatCache
    scratch: Scratch
    warnings: tuple[str, ...]
    directory: Path
    cleanup: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Store:  # noqa: PYI034 - typing.Self is of 3.11, and nothing derives from this
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Removes the temporary directory, if there is one. Stats are kept by `stat_cache.save()`, before."""
        self.cleanup.close()


def open_store(directory: Path, project_id: str) -> Store:
    """The store in `directory`; where that cannot be written, one that reads from it; where it cannot be trusted, an empty one.

    Raises: StoreError MP-E702 if not even a temporary directory can be made.
    """
    with suppress(OSError):
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if reason := distrust(directory):
        return _open_elsewhere(None, directory, project_id, f"is not used, because {reason}")
    if not _complete(directory):
        note = "cannot be written; this build reads it and keeps nothing"
        return _open_elsewhere(directory / LAYOUT_FOLDER, directory, project_id, note)
    store = _open(directory / LAYOUT_FOLDER, None, directory, project_id)
    store.scratch.sweep()
    return store


def _complete(directory: Path) -> bool:
    """Whether everything is in its place now and can be written to."""
    folders = [directory / LAYOUT_FOLDER / name for name in _FOLDERS]
    try:
        for folder in folders:
            if not folder.is_dir():
                remove_tree(
                    folder
                )  # a file or a dangling link where nothing but a folder of ours can be
            folder.mkdir(parents=True, exist_ok=True)
        for name, text in _MARKERS.items():
            if not (directory / name).exists():
                write_atomically(directory / name, text.encode())
    except (OSError, StoreError):
        return False
    return all(map(is_writable, folders))


def _open_elsewhere(readable: Path | None, directory: Path, project_id: str, note: str) -> Store:
    with ExitStack() as cleanup, writing(directory):
        root = _temporary_folder(cleanup)
        for name in _FOLDERS:
            (root / name).mkdir()
        store = _open(root, readable, directory, project_id)
        warnings = (f"the cache {directory} {note}",)
        return structs.replace(store, warnings=warnings, cleanup=cleanup.pop_all())


def _temporary_folder(cleanup: ExitStack) -> Path:
    """An empty folder until `cleanup`; what a killed process left of the same kind is removed first."""
    user = os.geteuid() if hasattr(os, "geteuid") else "user"
    shared = Path(tempfile.gettempdir()) / f"modelpack-{user}"
    with suppress(OSError):
        shared.mkdir(mode=0o700)
    if is_private(shared):
        scratch = Scratch(shared)
        scratch.sweep()
        return cleanup.enter_context(scratch.folder())
    folder = Path(tempfile.mkdtemp(prefix="modelpack-"))
    cleanup.callback(remove_tree, folder)
    return folder


def _open(root: Path, readable: Path | None, directory: Path, project_id: str) -> Store:
    """The store at `root`, reading from the one at `readable`, if any, what it does not have itself."""
    stats_name = f"stats/{digest_bytes(project_id.encode('utf-8', 'surrogatepass'))}.json"
    return Store(
        blobs=Blobs(root / "blobs", Blobs(readable / "blobs") if readable else None),
        actions=Actions(root / "actions", Actions(readable / "actions") if readable else None),
        histories=Histories(
            root / "histories",
            project_id,
            Histories(readable / "histories", project_id) if readable else None,
        ),
        stat_cache=StatCache(
            root / stats_name, fallback=readable / stats_name if readable else None
        ),
        scratch=Scratch(root / "scratch"),
        warnings=(),
        directory=directory,
    )
