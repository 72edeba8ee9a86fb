"""The value of an override: a number format, or a table of one and a block size."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import get_args

from msgspec import Struct

from modelpack.config.containers import Key, Table, Values
from modelpack.config.fields import Choice, Schema
from modelpack.config.place import Fault, Place
from modelpack.spec.variants import Override, WeightDtype

WEIGHT_DTYPE = Choice[WeightDtype](get_args(WeightDtype))
_DTYPE = Key(
    "dtype",
    WEIGHT_DTYPE,
    "Number format of the weights that match; fp32 keeps them.",
    required=True,
)
_BLOCK_SIZE = Key(
    "block_size",
    Choice((16, 32, 64, 128)),
    "Weights that share a scale; without it, the variant's block_size.",
)
_TABLE = Table("override", (_DTYPE, _BLOCK_SIZE))


class Written(Struct, frozen=True):
    """An override as it was written; `block_size` None where nothing says."""

    dtype: WeightDtype
    block_size: int | None = None


class OverrideField(Struct, frozen=True):
    """A number format, or a table of one and a block size."""

    def read(self, value: object, at: Place) -> Written:
        """What is written. Raises: Fault if it is neither."""
        if not isinstance(value, dict):
            return Written(WEIGHT_DTYPE.read(value, at))
        table: Values = _TABLE.read(value, at)
        return Written(table.value(_DTYPE), table.get(_BLOCK_SIZE))

    def faults(self, value: object, at: Place) -> Iterator[Fault]:
        """Everything that is wrong with `value`."""
        if isinstance(value, dict):
            yield from _TABLE.faults(value, at)
        else:
            yield from WEIGHT_DTYPE.faults(value, at)

    def schema(self, tables: Schema) -> Schema:
        """Either of the two."""
        return {"anyOf": [WEIGHT_DTYPE.schema(tables), _TABLE.schema(tables)]}


OVERRIDE = OverrideField()


def read_overrides(written: Mapping[str, Written], block_size: int) -> tuple[Override, ...]:
    """The overrides in the order of the file; `block_size` is for those that name none."""
    return tuple(
        Override(pattern, override.dtype, override.block_size or block_size)
        for pattern, override in written.items()
    )
