"""What a browser can run, remembered by its program, so that a build with nothing to try starts none."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from modelpack.bench.visit import Adapter
from modelpack.errors import BenchError, StoreError
from modelpack.spec.variants import HALVES, Variant
from modelpack.store.atomic import write_atomically
from modelpack.store.sealed import read_sealed, seal
from modelpack.store.store import Store

_MOST_REMEMBERED: Final = 8


class Told(Struct, frozen=True):
    """What the page says of its browser."""

    adapter: Adapter | None
    webnn: bool


class Abilities(Struct, frozen=True):
    """A browser's version, its WebGPU adapter (None: it has none), and whether it has WebNN."""

    version: str
    adapter: Adapter | None
    webnn: bool


def recall_abilities(store: Store, identity: str) -> Abilities | None:
    """What is known of the browser with this identity."""
    return (read_sealed(_place(store), dict[str, Abilities]) or {}).get(identity)


def remember_abilities(store: Store, identity: str, abilities: Abilities) -> None:
    """The next build knows them. A cache that takes no file costs that build a start of the browser."""
    known = read_sealed(_place(store), dict[str, Abilities]) or {}
    known.pop(identity, None)
    newest = [*known.items(), (identity, abilities)][-_MOST_REMEMBERED:]
    with suppress(StoreError):
        write_atomically(_place(store), seal(msgspec.json.encode(dict(newest))))


def check_abilities(variant: Variant, abilities: Abilities, name: str) -> None:
    """Raises: BenchError MP-E804 if the browser lacks what the variant's device needs."""
    browser = f"{name} {abilities.version}"
    if variant.device == "webnn" and not abilities.webnn:
        raise _lacking(f"{browser} has no WebNN here")
    if variant.device != "webgpu":
        return
    if abilities.adapter is None:
        raise _lacking(f"{browser} has no WebGPU adapter here (`browser = true` emulates one)")
    if variant.dtype in HALVES and "shader-f16" not in abilities.adapter.features:
        raise _lacking(
            f"the WebGPU adapter of {browser} ({abilities.adapter.name}) lacks shader-f16"
        )


def browser_text(variant: Variant, abilities: Abilities, name: str) -> str:
    """The browser and, where the device is one, the adapter that a trial was made with."""
    browser = f"{name} {abilities.version}"
    if variant.device != "webgpu" or abilities.adapter is None:
        return browser
    return f"{browser}, {abilities.adapter.name}"


def _lacking(found: str) -> BenchError:
    return BenchError("MP-E804", found, remedy="build on a machine that has it")


def _place(store: Store) -> Path:
    return store.directory / "browsers.json"
