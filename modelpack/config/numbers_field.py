"""Fields of numbers: one, or a short list of them."""

from __future__ import annotations

import math

from modelpack.config.fields import Leaf, Schema
from modelpack.config.place import Place


class Number(Leaf[float], frozen=True):
    """A finite number from `minimum` to `maximum`."""

    minimum: float
    maximum: float

    def read(self, value: object, at: Place) -> float:
        """The number."""
        number = _finite(value)
        if number is None:
            raise at.wrong(value, "a number")
        if not self.minimum <= number <= self.maximum:
            raise at.wrong(value, f"a number from {self.minimum:g} to {self.maximum:g}")
        return number

    def schema(self, _tables: Schema) -> Schema:
        """A number within the bounds."""
        return {"type": "number", "minimum": self.minimum, "maximum": self.maximum}


class Numbers(Leaf[tuple[float, ...]], frozen=True):
    """An array of `counts` numbers, such as one or three, each from `minimum` to `maximum`."""

    counts: tuple[int, ...]
    minimum: float
    maximum: float
    whole: bool = False

    def read(self, value: object, at: Place) -> tuple[float, ...]:
        """The numbers."""
        if not isinstance(value, list) or len(value) not in self.counts:
            raise at.wrong(value, f"an array of {' or '.join(map(str, self.counts))} numbers")
        number = Number(self.minimum, self.maximum)
        found = tuple(number.read(part, at.child(index)) for index, part in enumerate(value))
        for index, part in enumerate(found):
            if self.whole and not part.is_integer():
                raise at.child(index).wrong(value[index], "a whole number")
        return found

    def schema(self, _tables: Schema) -> Schema:
        """An array of that many numbers."""
        kind = "integer" if self.whole else "number"
        items = {"type": kind, "minimum": self.minimum, "maximum": self.maximum}
        return {
            "anyOf": [
                {"type": "array", "minItems": count, "maxItems": count, "items": items}
                for count in self.counts
            ]
        }


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
