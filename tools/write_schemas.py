"""Writes schemas/modelpack.schema.json and docs/config.md from the grammar of the configuration."""  # noqa: INP001  a script

from pathlib import Path

from modelpack.config.reference import reference_text
from modelpack.config.schema import schema_text

ROOT = Path(__file__).resolve().parents[1]

if __name__ == "__main__":
    for name, text in {
        "schemas/modelpack.schema.json": schema_text(),
        "docs/config.md": reference_text(),
    }.items():
        (ROOT / name).write_text(text, encoding="utf-8", newline="\n")
