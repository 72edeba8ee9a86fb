"""The fields of budgets: shares, bandwidths, and limits that may follow the committed baseline."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final, Generic, TypeVar, get_args

from msgspec import Struct

from modelpack.config.fields import Field, Leaf, Schema, read_text
from modelpack.config.place import Fault, Place, show
from modelpack.spec.limits import Growth
from modelpack.spec.variants import Device
from modelpack.units import BANDWIDTH_PATTERN, parse_bandwidth

T_co = TypeVar("T_co", covariant=True)

EVERY_DEVICE: Final = ""
_DEVICES: Final[tuple[Device, ...]] = get_args(Device)
_DEVICE_NAMES: Final = " or ".join(_DEVICES)
_NUMBER = r"[0-9]{1,3}(\.[0-9]{1,3})?"
_GROWTH = rf"^[+-]{_NUMBER} *%$"
_SHARE = rf"^{_NUMBER} *%$"


class OrGrowth(Leaf[T_co | Growth], Generic[T_co], frozen=True):
    """What `field` reads, or a text such as `+2%`: so much more than the committed baseline."""

    field: Field[T_co]

    def read(self, value: object, at: Place) -> T_co | Growth:
        """The limit, or how far it may be from the baseline."""
        if not isinstance(value, str) or not value.endswith("%"):
            return self.field.read(value, at)
        if re.fullmatch(_GROWTH, value) is None:
            raise at.wrong(value, 'a change from the baseline such as "+2%"')
        return Growth(_share(value))

    def schema(self, tables: Schema) -> Schema:
        """Either form."""
        growth = {"type": "string", "pattern": _GROWTH, "examples": ["+2%"]}
        return {"anyOf": [self.field.schema(tables), growth]}


class PerDevice(Struct, Generic[T_co], frozen=True):
    """What `field` reads, for every device; or a table with a limit for each device that has one."""

    field: Field[T_co]

    def read(self, value: object, at: Place) -> Mapping[str, T_co]:
        """The limit by device, under EVERY_DEVICE where it holds for all."""
        if isinstance(value, dict):
            return {name: self.field.read(part, at.child(name)) for name, part in value.items()}
        return {EVERY_DEVICE: self.field.read(value, at)}

    def faults(self, value: object, at: Place) -> Iterator[Fault]:
        """Unknown devices, and whatever is wrong with the limits."""
        if not isinstance(value, dict):
            yield from self.field.faults(value, at)
            return
        if not value:
            yield at.wrong(value, f"a limit, or a table of {_DEVICE_NAMES}")
        for name, part in value.items():
            if name not in _DEVICES:
                message = f"found the key {show(name)}; expected {_DEVICE_NAMES}"
                yield Fault("MP-E112", (*at.keys, name), message)
            yield from self.field.faults(part, at.child(name))

    def schema(self, tables: Schema) -> Schema:
        """A limit, or an object with a limit for some devices."""
        limit = self.field.schema(tables)
        devices = {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": False,
            "properties": dict.fromkeys(_DEVICES, limit),
        }
        return {"anyOf": [limit, devices]}


class Share(Leaf[float], frozen=True):
    """A share in per cent, 0 to 100."""

    example: str

    def read(self, value: object, at: Place) -> float:
        """The share, from 0 to 1."""
        expected = f'a share such as "{self.example}"'
        text = read_text(value, at, expected)
        if re.fullmatch(_SHARE, text) is None:
            raise at.wrong(value, expected)
        if _share(text) > 1:
            raise at.wrong(value, "a share of at most 100%")
        return _share(text)

    def schema(self, _tables: Schema) -> Schema:
        """A string of a number and a per cent sign."""
        return {"type": "string", "pattern": _SHARE, "examples": [self.example]}


class Bandwidth(Leaf[float], frozen=True):
    """A bandwidth with its unit, above zero."""

    example: str

    def read(self, value: object, at: Place) -> float:
        """The bandwidth in bits per second."""
        expected = f'a bandwidth such as "{self.example}"'
        text = read_text(value, at, expected)
        if re.fullmatch(BANDWIDTH_PATTERN, text) is None:
            raise at.wrong(value, expected)
        if parse_bandwidth(text) <= 0:
            raise at.wrong(value, "a bandwidth above zero")
        return parse_bandwidth(text)

    def schema(self, _tables: Schema) -> Schema:
        """A string of a number and a unit."""
        return {"type": "string", "pattern": BANDWIDTH_PATTERN, "examples": [self.example]}


def _share(text: str) -> float:
    # Rounded, because 0.07 * 100 / 100 is not 0.07: what is shown again must be what was written.
    return round(float(text.removesuffix("%").rstrip()) / 100, 8)
