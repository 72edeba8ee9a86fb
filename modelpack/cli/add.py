"""`modelpack add`."""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from msgspec.structs import replace

from modelpack.cli.build import BuildOptions, make
from modelpack.cli.naming import free_id, model_id
from modelpack.cli.options import Options
from modelpack.cli.progress import show_count
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.config.document import read_document
from modelpack.config.find import CONFIG_NAME, find_config
from modelpack.cores import usable_cores
from modelpack.engine.locking import record_model
from modelpack.engine.settling import settle
from modelpack.engine.sizes import model_bytes
from modelpack.errors import UsageError
from modelpack.record import BuildReport
from modelpack.report.add import ANYTHING, NewModel, model_text, variants_for, without_webgpu
from modelpack.report.init import HEAD
from modelpack.sources.lock import lock_path
from modelpack.spec.variants import HALVES
from modelpack.store.atomic import write_atomically

EXAMPLES = """\
  modelpack add models/words.onnx                an ONNX file, or the folder of a checkpoint
  modelpack add hf:org/repo                      a repository of the hub; @main, pinned in modelpack.lock
  modelpack add py:package/folder --task fill-mask
  modelpack add https://example.com/words.onnx --name words --no-build"""
_HUB_WITHOUT_REVISION = re.compile(r"hf:[^@]+")
_NOT_THERE = "MP-E453"
_SCHEME = re.compile(r"[a-z]{2,}:")
_SAY_NOTHING = {"", "model", "models", "onnx", "checkpoint", "weights", "resolve", "main"}
_KEPT_CODES = (
    0,
    3,
    4,
)  # over budget or not accurate enough: the model is there, and its limits can be changed


class AddOptions(Options):
    """What `add` understands."""

    source: str
    name: str | None
    task: str | None
    no_build: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `add`."""
    parser.add_argument(
        "source",
        metavar="SOURCE",
        help="a path, npm:…, py:…, https://…, hf:org/repo[@revision] or python:module:function",
    )
    parser.add_argument("--name", metavar="ID", help="the model's id; else the source's own name")
    parser.add_argument("--task", help="what a checkpoint is exported for, in optimum's words")
    parser.add_argument("--no-build", action="store_true", help="only write modelpack.toml")


def execute(options: AddOptions, terminal: Terminal) -> int:
    """Appends the model to modelpack.toml, builds it, and gives its variants budgets of the size they have.

    The file is only ever appended to, so comments and layout stay; if the model cannot be built, nothing is.
    """
    path = _config(options)
    kept = {file: _read(file) for file in (path, lock_path(path))}
    code = 1
    try:
        code = _add(options, terminal, path)
    finally:
        restored = code not in _KEPT_CODES and [_restored(*one) for one in kept.items()]
        if restored and any(restored):
            terminal.complain(f"{path.name} is as it was")
    return code


def _add(options: AddOptions, terminal: Terminal, path: Path) -> int:
    text = (_read(path) or HEAD.encode()).decode()
    draft = _draft(options, path)
    _write(path, text, model_text(draft, {}))
    options.config = path
    with show_count(terminal, "looking at the source") as progress:
        project = load_project(options, settled=lambda one: settle(one, progress, may_ask=True))
        with project_store(project) as store:
            models = record_model(project, draft.id, store, progress)
            # Parts of a checkpoint share its files; two graphs are two downloads.
            size_bytes = max(model_bytes(model, store) for model in models)
    variants = variants_for(size_bytes)
    anything: Mapping[str, tuple[str, ...]] = {
        name: (ANYTHING,) for name in variants if name in HALVES
    }
    model = replace(draft, variants=variants, fallbacks=anything)
    _write(path, text, model_text(model, {}))
    terminal.say(f"wrote {path.name}: models.{model.id}, as {', '.join(model.variants)}")
    if options.no_build:
        return 0
    build = _build_options(options, [one.id for one in models])
    outcome = make(build, terminal)
    if anything and any(err.code == _NOT_THERE for err in outcome.errors):
        model = _for_wasm(model)
        _write(path, text, model_text(model, {}))
        terminal.say(f"wrote {path.name}: as {', '.join(model.variants)} instead; building those")
        outcome = make(build, terminal)
    if outcome.exit_code == 0:
        found = {name: tuple(sorted(outcome.fallbacks.get(name, ()))) for name in anything}
        model = replace(model, fallbacks=found)
        _write(path, text, model_text(model, _downloads(outcome.report)))
        terminal.say(f"wrote {path.name}: budgets, a tenth above these downloads")
        _tell(found, terminal)
    return outcome.exit_code


def _for_wasm(model: NewModel) -> NewModel:
    """The model without its variants for webgpu, none of whose providers run some of its nodes in half precision."""
    refused = f"No {', '.join(model.fallbacks)}: webgpu does not run this model in it."
    left = without_webgpu(model.variants)
    return replace(model, variants=left, fallbacks={}, refused=refused)


def _tell(fallbacks: Mapping[str, tuple[str, ...]], terminal: Terminal) -> None:
    for name, operators in fallbacks.items():
        if operators:
            terminal.say(
                f"{name} leaves {', '.join(operators)} to wasm: webgpu has no kernel for it (accept_fallback)"
            )


def _config(options: AddOptions) -> Path:
    folder = Path.cwd() / (options.directory or "")
    try:
        return find_config(folder, options.config)
    except UsageError:
        if options.config is not None:
            raise
        return folder / CONFIG_NAME


def _draft(options: AddOptions, path: Path) -> NewModel:
    """The model as it is asked for. Raises: UsageError MP-E113 if its id is taken, or its source is there already."""
    source = _source(options.source, path.parent)
    found = read_document(path).tables.get("models") if path.is_file() else None
    models = found if isinstance(found, dict) else {}
    for id_, table in models.items():
        if isinstance(table, dict) and table.get("source") == source and not options.name:
            raise _taken(path, f"models.{id_} has this source already")
    if options.name in models:
        raise _taken(path, f"models.{options.name} is there already")
    settings = (("task", options.task),) if options.task else ()
    return NewModel(options.name or free_id(_name(source), models.keys()), source, settings)


def _taken(path: Path, found: str) -> UsageError:
    return UsageError("MP-E113", found, where=str(path), remedy="give another --name")


def _source(text: str, folder: Path) -> str:
    """The source as a configuration in `folder` writes it: paths are typed from where one is."""
    if _HUB_WITHOUT_REVISION.fullmatch(text):
        return f"{text}@main"
    if _SCHEME.match(text):
        return text
    return Path(os.path.relpath(Path.cwd() / text, folder)).as_posix()


def _name(source: str) -> str:
    """An id from the last part of the source that says something."""
    if source.startswith("python:"):
        return model_id(source.split(":")[1].rpartition(".")[2])
    path = source.partition("@")[0] if source.startswith("hf:") else urlsplit(source).path
    parts = [PurePosixPath(part).stem for part in reversed(path.split("/"))]
    return model_id(next((part for part in parts if part.lower() not in _SAY_NOTHING), "model"))


def _build_options(options: AddOptions, models: list[str]) -> BuildOptions:
    return BuildOptions(
        models=models,
        mode="production",
        dry_run=False,
        force=False,
        frozen=False,
        keep_going=False,
        jobs=usable_cores(),
        json=None,
        argv=(),
        directory=options.directory,
        config=options.config,
        quiet=options.quiet,
        debug=options.debug,
    )


def _downloads(report: BuildReport) -> dict[str, int]:
    """The download of each variant; of a model in parts, that of the largest."""
    found: dict[str, int] = {}
    for row in report.variants:
        found[row.variant] = max(row.download_bytes, found.get(row.variant, 0))
    return found


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _write(path: Path, text: str, added: str) -> None:
    write_atomically(path, f"{text.rstrip()}\n\n{added}".encode())


def _restored(path: Path, content: bytes | None) -> bool:
    """Whether the file had to be put back."""
    if _read(path) == content:
        return False
    if content is None:
        path.unlink()
    else:
        write_atomically(path, content)
    return True
