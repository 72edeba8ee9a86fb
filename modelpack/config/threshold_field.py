"""The field of an accuracy limit: a comparison and a number, in the one direction that makes sense for the metric."""

from __future__ import annotations

import re

from msgspec import Struct

from modelpack.config.fields import Leaf, Schema, read_text
from modelpack.config.place import Place
from modelpack.spec import Comparison


class Threshold(Struct, frozen=True):
    """What a measured value must be: at least (`>=`) or at most (`<=`) `value`."""

    comparison: Comparison
    value: float


class ThresholdField(Leaf[Threshold], frozen=True):
    """A text such as `>= 0.99`, whose number has the form `number`."""

    comparison: Comparison
    example: str
    number: str

    def read(self, value: object, at: Place) -> Threshold:
        """The comparison and the number."""
        expected = f'a limit such as "{self.comparison} {self.example}"'
        text = read_text(value, at, expected)
        if re.fullmatch(self._pattern(), text) is None:
            raise at.wrong(value, expected)
        return Threshold(self.comparison, float(text.removeprefix(self.comparison)))

    def schema(self, _tables: Schema) -> Schema:
        """A string of the comparison and a number."""
        example = f"{self.comparison} {self.example}"
        return {"type": "string", "pattern": self._pattern(), "examples": [example]}

    def _pattern(self) -> str:
        return f"^{self.comparison} *({self.number})$"
