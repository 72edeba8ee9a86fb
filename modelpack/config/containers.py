"""Tables, maps and lists: fields whose value has parts. They find every fault, not only the first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

from msgspec import Struct

from modelpack.config.fields import Field, Schema, Text, did_you_mean
from modelpack.config.place import Fault, Place, show

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MAX_PARTS = 1000  # more models, assets or names than anyone writes by hand; bounds time and memory


class Key(Struct, Generic[T_co], frozen=True):
    """A key of a table. `default` is a TOML value that is read when the key is not written."""

    name: str
    field: Field[T_co]
    doc: str
    default: object = None
    required: bool = False


class Values(Struct, frozen=True):
    """Tables as layers, uppermost first: what the first layer with a key says holds. `at` is the uppermost's place."""

    at: Place
    layers: tuple[tuple[dict[str, object], Place], ...]

    def get(self, key: Key[T]) -> T | None:
        """What is written for `key`; None if nothing is."""
        for table, at in self.layers:
            if key.name in table:
                return key.field.read(table[key.name], at.child(key.name))
        return None

    def value(self, key: Key[T]) -> T:
        """What is written for `key`, else its default. Raises: Fault if it has none."""
        written = self.get(key)
        if written is not None:
            return written
        if key.default is None:
            raise missing(key, self.at)
        return key.field.read(key.default, self.at.child(key.name))

    def table(self, key: Key[Values]) -> Values:
        """The tables written for `key` in all layers, as layers."""
        layers = tuple(
            layer
            for table, at in self.layers
            if key.name in table
            for layer in key.field.read(table[key.name], at.child(key.name)).layers
        )
        return Values(self.at.child(key.name), layers)

    def place(self, key: Key[object]) -> Place:
        """Where `key` is written, or would be."""
        for table, at in self.layers:
            if key.name in table:
                return at.child(key.name)
        return self.at.child(key.name)

    def over(self, lower: Values) -> Values:
        """These layers, and those of `lower` under them."""
        return Values(self.at, (*self.layers, *lower.layers))


class Table(Struct, frozen=True):
    """A table with known keys. `name` is how the schema refers to it."""

    name: str
    keys: tuple[Key[object], ...]

    def read(self, value: object, at: Place) -> Values:
        """The table as a single layer; its values are read when they are asked for."""
        return Values(at, ((_read_table(value, at), at),))

    def faults(self, value: object, at: Place) -> Iterator[Fault]:
        """Unknown keys, missing keys, and whatever is wrong with the values."""
        if not isinstance(value, dict):
            yield at.wrong(value, "a table")
            return
        known = {key.name: key for key in self.keys}
        for name, part in value.items():
            if name in known:
                yield from known[name].field.faults(part, at.child(name))
            else:
                yield _unknown(name, part, tuple(known), at)
        yield from (missing(key, at) for key in self.keys if key.required and key.name not in value)

    def schema(self, tables: Schema) -> Schema:
        """A reference to the table's definition."""
        if self.name not in tables:
            tables[self.name] = {}  # holds the place: definitions stay in the order of first use
            tables[self.name] = self.definition(tables)
        return {"$ref": f"#/$defs/{self.name}"}

    def definition(self, tables: Schema) -> Schema:
        """The object with these properties and no others."""
        schema: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key.name: _describe(key, tables) for key in self.keys},
        }
        required = [key.name for key in self.keys if key.required]
        return {**schema, "required": required} if required else schema


class MapOf(Struct, Generic[T_co], frozen=True):
    """A table whose keys the user chooses; at least one."""

    names: Text
    values: Field[T_co]

    def read(self, value: object, at: Place) -> dict[str, T_co]:
        """The typed form of each value by its key, in the order of the file."""
        return {
            name: self.values.read(part, at.child(name))
            for name, part in _read_table(value, at).items()
        }

    def faults(self, value: object, at: Place) -> Iterator[Fault]:
        """Wrong keys, and whatever is wrong with the values."""
        if not isinstance(value, dict) or not 1 <= len(value) <= _MAX_PARTS:
            yield at.wrong(value, f"a table of 1 to {_MAX_PARTS} keys")
            return
        for name, part in value.items():
            try:
                self.names.read(name, at)
            except Fault as fault:
                message = fault.message.replace("found", "found the key", 1)
                yield Fault(fault.code, (*at.keys, name), message)
            yield from self.values.faults(part, at.child(name))

    def schema(self, tables: Schema) -> Schema:
        """An object with any properties of that form."""
        return {
            "type": "object",
            "minProperties": 1,
            "maxProperties": _MAX_PARTS,
            "propertyNames": self.names.schema(tables),
            "additionalProperties": self.values.schema(tables),
        }


class ListOf(Struct, Generic[T_co], frozen=True):
    """An array of different things. Not empty, unless `may_be_empty`."""

    items: Field[T_co]
    may_be_empty: bool = False

    def read(self, value: object, at: Place) -> tuple[T_co, ...]:
        """The typed form of each element."""
        return tuple(
            self.items.read(part, at.child(index))
            for index, part in enumerate(_read_array(value, at))
        )

    def faults(self, value: object, at: Place) -> Iterator[Fault]:
        """Elements that are there twice, and whatever is wrong with each."""
        fewest = 0 if self.may_be_empty else 1
        if not isinstance(value, list) or not fewest <= len(value) <= _MAX_PARTS:
            yield at.wrong(value, f"an array of {fewest} to {_MAX_PARTS} elements")
            return
        seen: set[str] = set()
        for index, part in enumerate(value):
            faults = list(self.items.faults(part, at.child(index)))
            yield from faults
            if not faults and repr(part) in seen:
                yield at.child(index).wrong(part, "each element once")
            elif not faults:  # then it is a text, or a table of them, and cheap to write out
                seen.add(repr(part))

    def schema(self, tables: Schema) -> Schema:
        """An array of different items."""
        return {
            "type": "array",
            "minItems": 0 if self.may_be_empty else 1,
            "maxItems": _MAX_PARTS,
            "uniqueItems": True,
            "items": self.items.schema(tables),
        }


def missing(key: Key[object], at: Place) -> Fault:
    """The fault of a table that lacks a key it needs."""
    return Fault("MP-E115", at.keys, f'missing key "{key.name}"', remedy=f"add it: {key.doc}")


def _unknown(name: str, value: object, known: tuple[str, ...], at: Place) -> Fault:
    message = f"unknown key {show(name)}"
    message += did_you_mean(name, known) or f"; known keys: {', '.join(known)}"
    return Fault("MP-E111", (*at.keys, name), message, remedy=_dotted_id(name, value, at))


def _dotted_id(name: str, value: object, at: Place) -> str:
    """What to do about `[models.t5.encoder]`, which TOML takes for a table inside the model t5."""
    if len(at.keys) != 2 or at.keys[0] != "models" or not isinstance(value, dict):
        return ""
    if "source" not in value:
        return ""
    return f'a model id with a dot needs quotes: [models."{at.keys[1]}.{name}"]'


def _describe(key: Key[object], tables: Schema) -> Schema:
    schema = {**key.field.schema(tables), "description": key.doc}
    return schema if key.default is None else {**schema, "default": key.default}


def _read_table(value: object, at: Place) -> dict[str, object]:
    if not isinstance(value, dict):
        raise at.wrong(value, "a table")
    return value


def _read_array(value: object, at: Place) -> list[object]:
    if not isinstance(value, list):
        raise at.wrong(value, "an array")
    return value
