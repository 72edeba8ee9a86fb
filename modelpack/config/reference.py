"""docs/config.md, written from the grammar: what the reader accepts and what people read cannot drift apart."""

from __future__ import annotations

import json
from collections.abc import Iterator

from modelpack.config import grammar
from modelpack.config.containers import Key, ListOf, MapOf, Table
from modelpack.config.fields import Choice

_HEAD = """\
# modelpack.toml

Every key that this version reads. Written from the grammar of the reader by `make schemas`; the same grammar gives
`schemas/modelpack.schema.json`, which editors use when the file begins with `#:schema` and its path.

* Relative paths start at the file and stay inside the workspace: the nearest folder upward with a `pnpm-workspace.yaml`, a
  `package.json` with `workspaces`, or a `.git`.
* Sizes are `"24 MB"` (decimal) or `"24 MiB"` (binary), durations `"60 d"`.
* An unknown key or a contradiction is an error that names the line, what was found and the nearest known key.
* `budget`, `golden` and `golden.metrics` are merged key by key from `[defaults]` to the model to the variant; any other key
  is replaced whole.
"""


def reference_text() -> str:
    """The whole page, as Markdown."""
    return _HEAD + "".join(f"\n## {title}\n\n{doc}\n\n{rows}" for title, doc, rows in _sections())


def _sections() -> Iterator[tuple[str, str, str]]:
    for key in grammar.PROJECT.keys:
        field = key.field
        if isinstance(field, MapOf) and isinstance(field.values, Table):
            yield f"[{key.name}.<name>]", key.doc, "".join(_table(field.values, ""))
        elif key is not grammar.DEFAULTS and isinstance(field, Table):
            yield f"[{key.name}]", key.doc, "".join(_table(field, ""))
        else:
            yield f"[{key.name}]", key.doc, ""


def _table(table: Table, prefix: str) -> Iterator[str]:
    if not prefix:
        yield "| key | default | |\n|---|---|---|\n"
    for key in table.keys:
        yield f"| `{prefix}{key.name}` | {_default(key)} | {key.doc}{_choices(key)} |\n"
        inner, suffix = _inner(key)
        if inner is not None:
            yield from _table(inner, f"{prefix}{key.name}{suffix}.")


def _inner(key: Key[object]) -> tuple[Table | None, str]:
    field = key.field
    if isinstance(field, Table):
        return field, ""
    if isinstance(field, MapOf) and isinstance(field.values, Table):
        return field.values, ".<id>"
    if isinstance(field, ListOf) and isinstance(field.items, Table):
        return field.items, "[]"
    return None, ""


def _choices(key: Key[object]) -> str:
    if not isinstance(key.field, Choice):
        return ""
    return f" One of {', '.join(f'`{choice}`' for choice in key.field.choices)}."


def _default(key: Key[object]) -> str:
    if key.required:
        return "required"
    if key.default is None or isinstance(key.default, dict):
        return ""
    return f"`{json.dumps(key.default)}`"
