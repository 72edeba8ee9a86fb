"""Writes schemas/modelpack.schema.json from the grammar of the configuration."""  # noqa: INP001  a script

from pathlib import Path

from modelpack.config.schema import schema_text

SCHEMAS = Path(__file__).resolve().parents[1] / "schemas"

if __name__ == "__main__":
    (SCHEMAS / "modelpack.schema.json").write_text(schema_text(), encoding="utf-8", newline="\n")
