"""What `modelpack add` appends to modelpack.toml."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from modelpack.spec.variants import HALVES

_STEP_BYTES = 10_000
_MEGABYTE_BYTES = 1_000_000
_BARE = re.compile(r"[A-Za-z0-9_-]+")


ANYTHING: Final = "*"
# One text for what is written before and after the build: what is remembered of the build then still holds.
_ACCEPTED: Final = "accepted by modelpack add"


class NewModel(Struct, frozen=True):
    """A model to be written: its id, the text of its source, other keys with their texts, and its variants' names.

    `fallbacks` are the operators that variants for webgpu may leave to wasm: ANYTHING before the graph has been seen.
    `refused` says why variants for webgpu are not among them; empty where they are, or where none were wanted.
    """

    id: str
    source: str
    settings: tuple[tuple[str, str], ...] = ()
    variants: tuple[str, ...] = ()
    fallbacks: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    refused: str = ""


def model_text(model: NewModel, download_bytes: Mapping[str, int]) -> str:
    """The model's tables, with a budget for each variant whose download is known."""
    pairs = (("source", model.source), *model.settings)
    lines = [f"[models.{model.id}]", *(f"{key} = {_text(value)}" for key, value in pairs)]
    if model.variants:
        lines += ["", f"[models.{model.id}.variants]"]
        lines += [f"# {model.refused}"] if model.refused else []
        for name in model.variants:
            accepted = model.fallbacks.get(name, ())
            lines += _comment(accepted)
            lines.append(_variant(name, accepted, download_bytes.get(name)))
    return "\n".join(lines) + "\n"


def variants_for(size_bytes: int) -> tuple[str, ...]:
    """The variants that suit a model with so many bytes of fp32 weights, by what a page can wait for and a tab can hold."""
    if size_bytes < _MEGABYTE_BYTES:
        return ("fp32",)  # nothing to win
    if size_bytes < 20 * _MEGABYTE_BYTES:
        return ("q8", "fp32")
    if size_bytes < 400 * _MEGABYTE_BYTES:
        return ("fp16", "q8")
    return ("fp16", "q4")


def without_webgpu(variants: tuple[str, ...]) -> tuple[str, ...]:
    """What suits the model where webgpu does not run it in half precision."""
    return tuple(name for name in variants if name not in HALVES)


def _comment(accepted: tuple[str, ...]) -> list[str]:
    if not accepted:
        return []
    if accepted == (ANYTHING,):
        return [
            "# The graph has not been seen: whatever webgpu lacks may fall back to wasm. `modelpack build` without",
            "# accept_fallback names what does.",
        ]
    return [
        f"# webgpu has no kernel for {', '.join(accepted)} as this model uses it: wasm runs those nodes, and each inference",
        "# waits for copies. Compare it with the others by `modelpack bench`, or remove it.",
    ]


def _variant(name: str, accepted: tuple[str, ...], download_bytes: int | None) -> str:
    settings = []
    if accepted:
        pairs = ", ".join(f'{_key(one)} = "{_ACCEPTED}"' for one in accepted)
        settings.append(f"accept_fallback = {{ {pairs} }}")
    if download_bytes is not None:
        settings.append(f'budget = {{ download = "{_room(download_bytes)}" }}')
    return f"{name} = {{ {', '.join(settings)} }}" if settings else f"{name} = {{}}"


def _key(operator: str) -> str:
    return operator if _BARE.fullmatch(operator) else _text(operator)


def _room(size_bytes: int) -> str:
    """A tenth more, so that it grows only on purpose."""
    room_bytes = -(-size_bytes * 11 // 10 // _STEP_BYTES) * _STEP_BYTES
    is_large = room_bytes >= _MEGABYTE_BYTES
    return f"{room_bytes / _MEGABYTE_BYTES:.2f} MB" if is_large else f"{room_bytes // 1000} kB"


def _text(text: str) -> str:
    """The text as a TOML string, which knows all escapes of JSON."""
    return json.dumps(text, ensure_ascii=False)
