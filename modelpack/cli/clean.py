"""`modelpack clean`."""

from __future__ import annotations

import argparse
from contextlib import suppress
from pathlib import Path

from modelpack.cli.options import Options
from modelpack.cli.project import load_project
from modelpack.cli.terminal import Terminal
from modelpack.errors import StoreError
from modelpack.publish.clean import published_files
from modelpack.publish.lock import publishing
from modelpack.units import format_size

EXAMPLES = """\
  modelpack clean              delete what modelpack published; other files stay
  modelpack clean --dry-run    only list it"""


class CleanOptions(Options):
    """What `clean` understands."""

    dry_run: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `clean`."""
    parser.add_argument("-n", "--dry-run", action="store_true", help="list the files; delete none")


def execute(options: CleanOptions, terminal: Terminal) -> int:
    """Deletes the files that our own manifests record. The cache stays: the next build is quick."""
    output = load_project(options).output
    if options.dry_run:
        terminal.data("".join(f"{path}\n" for path in published_files(output.path)))
        return 0
    with publishing(output.path, terminal.say):
        files = published_files(output.path)
        size_bytes = sum(_delete(path) for path in files)
        for folder in sorted({path.parent for path in files} | {output.path}, reverse=True):
            with suppress(OSError):  # somebody else's files are in it, and they stay
                folder.rmdir()
    terminal.say(f"deleted {len(files)} files, {format_size(size_bytes)}, from {output.path}")
    return 0


def _delete(path: Path) -> int:
    try:
        size_bytes = path.lstat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    except OSError as err:
        raise StoreError(
            "MP-E702",
            f"cannot be deleted ({err.strerror})",
            where=str(path),
            remedy="check the folder's permissions",
        ) from err
    return size_bytes
