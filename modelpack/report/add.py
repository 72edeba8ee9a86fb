"""What `modelpack add` appends to modelpack.toml."""

from __future__ import annotations

import json
from collections.abc import Mapping

from msgspec import Struct

_STEP_BYTES = 10_000
_MEGABYTE_BYTES = 1_000_000


class NewModel(Struct, frozen=True):
    """A model to be written: its id, the text of its source, other keys with their texts, and its variants' names."""

    id: str
    source: str
    settings: tuple[tuple[str, str], ...] = ()
    variants: tuple[str, ...] = ()


def model_text(model: NewModel, download_bytes: Mapping[str, int]) -> str:
    """The model's tables, with a budget for each variant whose download is known."""
    pairs = (("source", model.source), *model.settings)
    lines = [f"[models.{model.id}]", *(f"{key} = {_text(value)}" for key, value in pairs)]
    if model.variants:
        lines += ["", f"[models.{model.id}.variants]"]
        lines += [_variant(name, download_bytes.get(name)) for name in model.variants]
    return "\n".join(lines) + "\n"


def variants_for(size_bytes: int) -> tuple[str, ...]:
    """The variants that suit a model with so many bytes of fp32 weights, by what a page can wait for and a tab can hold."""
    if size_bytes < _MEGABYTE_BYTES:
        return ("fp32",)  # nothing to win
    if size_bytes < 20 * _MEGABYTE_BYTES:
        return ("fp32", "q8")
    if size_bytes < 400 * _MEGABYTE_BYTES:
        return ("fp16", "q8")
    return ("fp16", "q4")


def _variant(name: str, download_bytes: int | None) -> str:
    if download_bytes is None:
        return f"{name} = {{}}"
    return f'{name} = {{ budget = {{ download = "{_room(download_bytes)}" }} }}'


def _room(size_bytes: int) -> str:
    """A tenth more, so that it grows only on purpose."""
    room_bytes = -(-size_bytes * 11 // 10 // _STEP_BYTES) * _STEP_BYTES
    is_large = room_bytes >= _MEGABYTE_BYTES
    return f"{room_bytes / _MEGABYTE_BYTES:.2f} MB" if is_large else f"{room_bytes // 1000} kB"


def _text(text: str) -> str:
    """The text as a TOML string, which knows all escapes of JSON."""
    return json.dumps(text, ensure_ascii=False)
