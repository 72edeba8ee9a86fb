"""The field of a setting that is on or off."""

from __future__ import annotations

from modelpack.config.fields import Leaf, Schema
from modelpack.config.place import Place


class Flag(Leaf[bool], frozen=True):
    """true or false."""

    def read(self, value: object, at: Place) -> bool:
        """The setting."""
        if not isinstance(value, bool):
            raise at.wrong(value, "true or false")
        return value

    def schema(self, _tables: Schema) -> Schema:
        """A boolean."""
        return {"type": "boolean"}
