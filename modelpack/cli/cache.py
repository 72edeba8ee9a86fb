"""`modelpack cache`."""

from __future__ import annotations

import argparse
import time
from typing import Literal

from modelpack.cli.options import Options, add_json
from modelpack.cli.progress import show_count
from modelpack.cli.project import load_project, project_store
from modelpack.cli.terminal import Terminal
from modelpack.report.json import json_document
from modelpack.spec.project import Project
from modelpack.store.collection import cache_stats, collect_garbage, verify_cache
from modelpack.store.store import Store
from modelpack.units import format_size

EXAMPLES = """\
  modelpack cache stats     what is stored, and where
  modelpack cache gc        drop what is older or more than [cache] allows
  modelpack cache verify    hash everything again; bad entries are put aside and rebuilt when needed"""


class CacheOptions(Options):
    """What `cache` understands."""

    action: Literal["stats", "gc", "verify"]
    json: bool


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declares the arguments of `cache`."""
    parser.add_argument("action", choices=("stats", "gc", "verify"), help="what to do")
    add_json(parser)


def execute(options: CacheOptions, terminal: Terminal) -> int:
    """Shows, shrinks or checks the cache."""
    project = load_project(options)
    with project_store(project) as store:
        for warning in store.warnings:
            terminal.say(f"warning: {warning}")
        match options.action:
            case "stats":
                return _stats(store, terminal, as_json=options.json)
            case "gc":
                return _gc(project, store, terminal, as_json=options.json)
            case "verify":
                return _verify(store, terminal, as_json=options.json)


def _stats(store: Store, terminal: Terminal, *, as_json: bool) -> int:
    stats = cache_stats(store)
    if as_json:
        terminal.data(json_document(stats))
        return 0
    terminal.data(
        f"{store.directory}\n"
        f"  {stats.blobs} blobs, {format_size(stats.blob_bytes)}\n"
        f"  {stats.actions} results of steps, {format_size(stats.action_bytes)}\n"
        f"  {stats.quarantined} quarantined, {format_size(stats.quarantined_bytes)}"
    )
    return 0


def _gc(project: Project, store: Store, terminal: Terminal, *, as_json: bool) -> int:
    limits = project.cache
    collected = collect_garbage(store, limits.max_size_bytes, limits.max_age_s, time.time())
    if as_json:
        terminal.data(json_document(collected))
        return 0
    terminal.data(
        f"freed {format_size(collected.freed_bytes)}"
        f" ({collected.actions} results, {collected.blobs} blobs);"
        f" {format_size(collected.kept_bytes)} kept"
    )
    return 0


def _verify(store: Store, terminal: Terminal, *, as_json: bool) -> int:
    with show_count(terminal, "checking") as advance:
        bad = verify_cache(store, advance)
    if as_json:
        terminal.data(json_document({"corrupt": bad}))
    elif bad:
        terminal.data(
            "\n".join((*bad, f"{len(bad)} corrupt, put aside; the next build makes them again"))
        )
    else:
        terminal.data("everything in the cache is what it should be")
    return 1 if bad else 0
