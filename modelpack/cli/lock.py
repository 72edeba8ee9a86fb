"""`modelpack lock`."""

from __future__ import annotations

import argparse

from modelpack.cli.options import Options
from modelpack.cli.progress import show_count
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.engine.locking import difference, locked_now
from modelpack.engine.settling import settle
from modelpack.errors import FrozenError
from modelpack.report.words import count
from modelpack.sources.lock import lock_bytes, lock_path, read_lock
from modelpack.store.atomic import write_atomically

EXAMPLES = """\
  modelpack lock             record sources that are not in modelpack.lock yet
  modelpack lock --update    record all of them as they are now"""


class LockOptions(Options):
    """What `lock` understands."""

    update: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `lock`."""
    parser.add_argument(
        "--update", action="store_true", help="record changed sources, too; else they are an error"
    )


def execute(options: LockOptions, terminal: Terminal) -> int:
    """Writes modelpack.lock beside the configuration, if it would change."""
    with show_count(terminal, "reading sources") as progress:
        project = load_project(
            options,
            locked=not options.update,
            settled=lambda project: settle(project, progress, may_ask=True),
        )
        with project_store(project) as store:
            now = locked_now(project, store, progress)
    path = lock_path(project.config)
    written = {} if options.update else read_lock(path)
    for name, locked in now.items():
        if written.get(name, locked) != locked:
            raise FrozenError(
                "MP-E721",
                f"{name} {difference(written[name], locked)}",
                where=str(path),
                remedy="if that is right, run `modelpack lock --update`",
            )
    content = lock_bytes(now)
    if path.is_file() and path.read_bytes() == content:
        terminal.say(f"nothing changed: {path.name}")
        return 0
    write_atomically(path, content)
    terminal.say(f"wrote {path.name}: {count(len(now), 'source')}")
    return 0
