"""`modelpack doctor`."""

from __future__ import annotations

import argparse
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from modelpack import __version__
from modelpack.cli.extras import EXTRAS, needed_extras
from modelpack.cli.options import Options, add_json
from modelpack.cli.project import config_path, load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.cores import usable_cores
from modelpack.engine.machine import usable_memory_bytes
from modelpack.errors import BenchError, ModelpackError, UsageError
from modelpack.report.json import json_document
from modelpack.units import format_size

EXAMPLES = """\
  modelpack doctor          one line for each thing modelpack needs
  modelpack doctor --json   the same, to attach to a report"""
_REQUIRED = (
    "onnx",
    "onnx-ir",
    "onnxruntime",
    "onnxsim",
    "numpy",
    "brotli",
    "zstandard",
    "doit",
    "pebble",
)
_OLDEST_NODE = 20
_LOW_DISK_BYTES = 2_000_000_000
_PROBE_TIMEOUT_S = 60


class DoctorOptions(Options):
    """What `doctor` understands."""

    json: bool


class Check(Struct, frozen=True, rename="camel"):
    """One thing that was looked at. `remedy` is empty where nothing needs doing."""

    name: str
    state: Literal["ok", "warning", "error"]
    found: str
    remedy: str = ""


class _Answer(Struct, frozen=True):
    is_good: bool
    lines: tuple[str, ...]


class _Package(Struct, frozen=True):
    version: str = "unknown"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `doctor`."""
    add_json(parser)


def execute(options: DoctorOptions, terminal: Terminal) -> int:
    """Looks at everything and exits 1 if something that is needed is missing."""
    checks = (*_machine(), *_libraries(), *_project(options), *_browsers(), _node())
    if options.json:
        terminal.data(json_document(checks))
    else:
        terminal.data("\n".join(_line(check, terminal) for check in checks))
    return 1 if any(check.state == "error" for check in checks) else 0


def _line(check: Check, terminal: Terminal) -> str:
    style: Literal["good", "bad", "faint"] = "good" if check.state == "ok" else "bad"
    mark = terminal.palette(style, f"{check.state:<8}")
    remedy = f" — {check.remedy}" if check.remedy else ""
    return f"{mark}{check.name:<20} {check.found}{remedy}"


def _machine() -> Iterator[Check]:
    yield Check("modelpack", "ok", __version__)
    yield Check("python", "ok", f"{platform.python_version()} at {sys.executable}")
    memory = format_size(usable_memory_bytes())
    yield Check(
        "machine", "ok", f"{platform.machine()}, {usable_cores()} cores, {memory} of memory free"
    )


def _libraries() -> Iterator[Check]:
    for name in _REQUIRED:
        try:
            yield Check(name, "ok", metadata.version(name))
        except metadata.PackageNotFoundError:
            yield Check(name, "error", "not installed", f"pip install {name}")
    # A wheel for another processor installs and then dies on import; only trying shows it.
    isolated = ("-P",) if sys.version_info >= (3, 11) else ()
    imported = _answer(sys.executable, *isolated, "-c", "import onnx, onnxruntime, onnxsim")
    if imported.is_good:
        yield Check("native libraries", "ok", "load")
    else:
        last = imported.lines[-1] if imported.lines else "they end the process"
        yield Check("native libraries", "error", last, "reinstall onnx, onnxruntime and onnxsim")


def _answer(*command: str) -> _Answer:
    """What the program said; one that hangs or does not start has said so."""
    try:
        ended = subprocess.run(  # noqa: S603 (our own interpreter or Node, constant arguments)
            command, capture_output=True, text=True, timeout=_PROBE_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired:
        return _Answer(is_good=False, lines=(f"no answer within {_PROBE_TIMEOUT_S} s",))
    except OSError as err:
        return _Answer(is_good=False, lines=(err.strerror or "does not start",))
    lines = (ended.stdout if ended.returncode == 0 else ended.stderr).strip().splitlines()
    return _Answer(is_good=ended.returncode == 0, lines=tuple(lines))


def _extras(needed: frozenset[str]) -> Iterator[Check]:
    for extra in EXTRAS:
        missing = extra.missing()
        if not missing:
            yield Check(extra.name, "ok", extra.versions())
        elif extra.name in needed:
            found = f"not installed: {', '.join(missing)}; this project needs it for {extra.need}"
            yield Check(extra.name, "error", found, extra.remedy)
        else:
            yield Check(
                extra.name, "ok", f"not installed; only {extra.need} needs it", extra.remedy
            )


def _browsers() -> Iterator[Check]:
    from modelpack.bench.browsers import (  # noqa: PLC0415 (only here are they asked for)
        choose_browser,
        installed_browsers,
    )

    try:
        choose_browser("")
        for choice in installed_browsers():
            yield Check(choice.name, "ok", str(choice.program or "Playwright's own"))
    except BenchError as err:
        found = f"{err.message}; only modelpack bench needs one"
        yield Check("a browser", "ok", found, err.remedy)


def _node() -> Check:
    node = shutil.which("node")
    if node is None:
        return Check(
            "node",
            "warning",
            "not found; only pages need it",
            f"install Node {_OLDEST_NODE} or newer",
        )
    answer = _answer(node, "--version")
    version = answer.lines[-1] if answer.lines else ""
    major = version.removeprefix("v").split(".")[0]
    is_new = major.isdigit() and int(major) >= _OLDEST_NODE
    return Check(
        "node",
        "ok" if is_new else "warning",
        version or "does not run",
        "" if is_new else f"install Node {_OLDEST_NODE} or newer",
    )


def _project(options: Options) -> Iterator[Check]:
    try:
        yield Check("modelpack.toml", "ok", str(config_path(options)))
    except UsageError:
        yield Check(
            "modelpack.toml", "warning", "not found from here upward", "modelpack init writes one"
        )
        yield from _extras(frozenset())
        return
    try:
        project = load_project(options)
    except ModelpackError as err:
        yield Check("modelpack.toml", "error", str(err))
        yield from _extras(frozenset())
        return
    yield from _extras(needed_extras(project))
    yield _runtime(project.config.parent)
    with project_store(project) as store:
        found = "; ".join(store.warnings) or str(store.directory)
        yield Check("cache", "warning" if store.warnings else "ok", found)
        free_bytes = shutil.disk_usage(store.blobs.root).free
    is_low = free_bytes < _LOW_DISK_BYTES
    yield Check(
        "disk",
        "warning" if is_low else "ok",
        f"{format_size(free_bytes)} free",
        "modelpack cache gc" if is_low else "",
    )


def _runtime(start: Path) -> Check:
    for folder in (start, *start.parents):
        package = folder / "node_modules/onnxruntime-web/package.json"
        if package.is_file():
            return _installed_runtime(package)
    return Check(
        "onnxruntime-web",
        "warning",
        "not in node_modules; the page needs it",
        "npm install onnxruntime-web",
    )


def _installed_runtime(package: Path) -> Check:
    try:
        version = msgspec.json.decode(package.read_bytes(), type=_Package).version
    except (OSError, msgspec.DecodeError) as err:
        remedy = "npm install onnxruntime-web"
        return Check(
            "onnxruntime-web", "warning", f"its package.json cannot be read: {err}", remedy
        )
    return Check("onnxruntime-web", "ok", version)
