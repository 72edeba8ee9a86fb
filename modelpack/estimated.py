"""What a build would give, foretold: the hand-over between the worker that foretells, and the report."""

from __future__ import annotations

from pathlib import Path

from msgspec import Struct

from modelpack.planned import QuantizeParams
from modelpack.spec.golden import StatePair
from modelpack.spec.variants import Shape


class Recipe(Struct, frozen=True):
    """One variant to foretell. `least_cosine` is the limit that a shaped variant is made for; None where there is none."""

    id: str
    shape: Shape
    params: QuantizeParams
    least_cosine: float | None = None


class EstimateRequest(Struct, frozen=True):
    """The model as recipes get it, samples (None: inputs are made up), and what is asked of it."""

    graph: Path
    samples: Path | None
    outputs: tuple[str, ...]
    state: tuple[StatePair, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    recipes: tuple[Recipe, ...]


class Foretold(Struct, frozen=True, rename="camel"):
    """A variant that is not built yet. `bytes` are of the whole variant: `raw`, `gzip`, `zstd` and `br`.

    `loss` is 1 - the mean cosine, as least and most; None where the model does not run on made-up inputs.
    """

    id: str
    bytes: dict[str, int]
    loss: tuple[float, float] | None
    samples: int
    notes: tuple[str, ...] = ()


class EstimatedVariant(Struct, frozen=True, rename="camel"):
    """A row of `modelpack estimate`: what a variant will download on the declared host, and lose."""

    model: str
    variant: str
    dtype: str
    device: str
    source_bytes: int
    download_bytes: int
    bytes: dict[str, int]
    loss: tuple[float, float] | None
    samples: int
    budget_bytes: int | None = None
    least_cosine: float | None = None
    notes: tuple[str, ...] = ()


class EstimateReport(Struct, frozen=True, rename="camel"):
    """Everything that was foretold, and how long that took."""

    variants: tuple[EstimatedVariant, ...]
    seconds: float
