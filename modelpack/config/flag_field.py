"""Fields of settings that can be off."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from modelpack.config.fields import Leaf, PathField, Schema
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


class PathOrOff(Leaf["Path | Literal[False]"], frozen=True):
    """A path, or false where there is to be none."""

    path: PathField

    def read(self, value: object, at: Place) -> Path | Literal[False]:
        """The absolute path; False where there is to be none."""
        if value is False:
            return False
        if not isinstance(value, str):
            raise at.wrong(value, f'a path such as "{self.path.example}", or false')
        return self.path.read(value, at)

    def schema(self, tables: Schema) -> Schema:
        """A path, or false."""
        return {"anyOf": [self.path.schema(tables), {"const": False}]}


class FlagOrAuto(Leaf["bool | Literal['auto']"], frozen=True):
    """true, false, or "auto" for as it turns out."""

    def read(self, value: object, at: Place) -> bool | Literal["auto"]:
        """The setting."""
        if isinstance(value, bool):
            return value
        if value != "auto":
            raise at.wrong(value, '"auto", true or false')
        return "auto"

    def schema(self, _tables: Schema) -> Schema:
        """A boolean, or "auto"."""
        return {"anyOf": [{"type": "boolean"}, {"const": "auto"}]}
