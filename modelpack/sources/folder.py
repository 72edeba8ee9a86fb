"""The files of a folder of samples."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from modelpack.digest import digest_bytes
from modelpack.errors import SourceError

_MAX_FILES = 100_000  # each is one sample, and evaluating more would take days


class FolderListing(Struct, frozen=True):
    """The files in and below a folder in order of their paths, and every folder that was looked into.

    Each folder has a digest of the names in it, as the whole-build fast path makes it.
    """

    files: tuple[Path, ...]
    folders: tuple[tuple[Path, str], ...]


def list_folder(folder: Path, role: str) -> FolderListing:
    """The listing of `folder`. Hidden files and folders are left out; linked folders are not followed.

    Raises: SourceError MP-E201 if there is no such folder, or no file in it, MP-E209 if there are too many.
    """
    if not folder.is_dir():
        raise SourceError(
            "MP-E201",
            "no such folder",
            where=str(folder),
            remedy=f"create it, or change the key that names it as {role}",
        )
    files: list[Path] = []
    folders: list[tuple[Path, str]] = []
    for place, names, found in os.walk(folder):
        folders.append((Path(place), names_digest([*names, *found])))
        names[:] = sorted(name for name in names if not name.startswith("."))
        files += (Path(place, name) for name in found if not name.startswith("."))
        if len(files) > _MAX_FILES:
            raise SourceError(
                "MP-E209",
                f"more than {_MAX_FILES} files",
                where=str(folder),
                remedy="keep fewer samples",
            )
    regular = sorted(path for path in files if path.is_file())
    if not regular:
        raise SourceError(
            "MP-E201", "the folder is empty", where=str(folder), remedy="put samples into it"
        )
    return FolderListing(tuple(regular), tuple(folders))


def names_digest(names: Iterable[str]) -> str:
    """The digest of the names in a folder, as the whole-build fast path makes it."""
    return digest_bytes(json.dumps(sorted(names)).encode())
