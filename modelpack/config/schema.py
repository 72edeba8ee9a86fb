"""The JSON Schema of modelpack.toml (draft 2020-12), for editors: the grammar, described.

It accepts a little more than the reader: contradictions, ranges of sizes and paths that leave the workspace are
beyond JSON Schema.
"""

from __future__ import annotations

import msgspec

from modelpack.config.fields import Schema
from modelpack.config.grammar import PROJECT


def json_schema() -> Schema:
    """The schema as JSON values."""
    tables: Schema = {}
    root = PROJECT.definition(tables)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "modelpack.toml",
        "description": "What modelpack build makes of a project's models.",
        **root,
        "$defs": tables,
    }


def schema_text() -> str:
    """The schema as the file `schemas/modelpack.schema.json` holds it."""
    return msgspec.json.format(msgspec.json.encode(json_schema())).decode() + "\n"
