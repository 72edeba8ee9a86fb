"""The field of an accuracy limit: a comparison and a number, in the one direction that makes sense for the metric."""

from __future__ import annotations

import re

from msgspec import Struct

from modelpack.config.fields import Leaf, Schema, read_text
from modelpack.config.place import Place
from modelpack.spec.limits import Comparison

_MARGIN = r"[0-9]{1,9}(\.[0-9]{1,12})?"


class Threshold(Struct, frozen=True):
    """What a measured value must be: at least (`>=`) or at most (`<=`) `value`; if relative, so much from the baseline's."""

    comparison: Comparison
    value: float
    is_relative: bool = False


class ThresholdField(Leaf[Threshold], frozen=True):
    """A text such as `>= 0.99`, whose number has the form `number`.

    Or one that follows the committed baseline: `>= baseline`, `>= baseline - 0.002`, `<= baseline + 0.1`.
    """

    comparison: Comparison
    example: str
    number: str

    def read(self, value: object, at: Place) -> Threshold:
        """The comparison and the number."""
        expected = f'a limit such as "{self.comparison} {self.example}"'
        text = read_text(value, at, expected)
        if re.fullmatch(self._pattern(), text) is not None:
            return Threshold(self.comparison, float(text.removeprefix(self.comparison)))
        if re.fullmatch(self._relative(), text) is None:
            raise at.wrong(value, expected)
        margin = text.partition("baseline")[2].replace(" ", "")
        return Threshold(self.comparison, float(margin or 0), is_relative=True)

    def schema(self, _tables: Schema) -> Schema:
        """A string of the comparison and a number, or how far from the baseline."""
        example = f"{self.comparison} {self.example}"
        pattern = f"{self._pattern()}|{self._relative()}"
        return {"type": "string", "pattern": pattern, "examples": [example]}

    def _pattern(self) -> str:
        return f"^{self.comparison} *({self.number})$"

    def _relative(self) -> str:
        # Only to the side that allows some loss: a build that must be better than the last one could not be repeated.
        sign = r"\-" if self.comparison == ">=" else r"\+"
        return f"^{self.comparison} *baseline( *{sign} *{_MARGIN})?$"
