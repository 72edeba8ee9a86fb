"""`modelpack init`."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from modelpack.cli.naming import free_id, model_id
from modelpack.cli.options import Options
from modelpack.cli.progress import show_count
from modelpack.cli.terminal import Terminal
from modelpack.engine.inspecting import inspect_file
from modelpack.engine.workers import ProcessWorkers
from modelpack.errors import ModelpackError, UsageError
from modelpack.report.init import FoundModel, init_text
from modelpack.report.places import relative_text
from modelpack.store.atomic import write_atomically

EXAMPLES = """\
  modelpack init            look for ONNX files from here downward and write modelpack.toml
  modelpack init --print    only show what would be written"""
CONFIG_NAME = "modelpack.toml"
_SKIPPED = {"node_modules", "dist", "build", "__pycache__", "venv"}
_MOST_FILES = 200
_GIT = "git:  ignore public/models/, .modelpack/ and modelpack.stats.json, which builds make; commit the rest"


class InitOptions(Options):
    """What `init` understands."""

    print: bool
    force: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `init`."""
    parser.add_argument(
        "--print", action="store_true", help="print the file in place of writing it"
    )
    parser.add_argument(
        "--force", action="store_true", help="write over an existing modelpack.toml"
    )


def execute(options: InitOptions, terminal: Terminal) -> int:
    """Inspects the ONNX files below here and writes a commented modelpack.toml."""
    folder = Path.cwd() / (options.directory or "")
    target = folder / (options.config or CONFIG_NAME)
    if target.exists() and not (options.force or options.print):
        raise UsageError(
            "MP-E113",
            "exists already",
            where=str(target),
            remedy="edit it, or write over it with --force",
        )
    found = _inspect_all(sorted(_onnx_files(folder)), target.parent, terminal)
    text = init_text(found)
    if options.print:
        terminal.data(text)
        return 0
    write_atomically(target, text.encode())
    if found:
        names = ", ".join(model.id for model in found)
        terminal.say(f"wrote {target}: {names}\nnext: modelpack build\n{_GIT}")
    else:
        terminal.say(
            f"wrote {target}: no ONNX files, so an example\nnext: modelpack add SOURCE, or name a model in it"
        )
    return 0


def _onnx_files(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            name for name in folders if name not in _SKIPPED and not name.startswith(".")
        )
        # What cannot be printed cannot stand in a TOML file either.
        yield from (
            Path(parent) / name for name in files if name.endswith(".onnx") and name.isprintable()
        )


def _inspect_all(paths: list[Path], base: Path, terminal: Terminal) -> tuple[FoundModel, ...]:
    if len(paths) > _MOST_FILES:
        raise UsageError(
            "MP-E113",
            f"found {len(paths)} ONNX files",
            remedy="run init in the folder of one project",
        )
    workers = ProcessWorkers(1)
    found: list[FoundModel] = []
    try:
        with show_count(terminal, "inspecting") as advance:
            for done, path in enumerate(paths, 1):
                try:
                    found.append(
                        FoundModel(
                            free_id(model_id(path.stem), {model.id for model in found}),
                            relative_text(path, base),
                            inspect_file(path, workers),
                        )
                    )
                except ModelpackError as err:
                    terminal.complain(f"left out: {relative_text(path, base)}: {err}")
                advance(done, len(paths))
    finally:
        workers.stop()
    return tuple(found)
