"""Everything the HTML report shows beside a check: weights, samples, measurements, downloads and history."""

from __future__ import annotations

from msgspec import Struct

from modelpack.measured import Machine, Run
from modelpack.published import CheckReport, PublishedVariant
from modelpack.record import EvaluatedSamples, TensorBytes
from modelpack.spec.limits import Network


class VariantPicture(Struct, frozen=True):
    """A variant. `tensors` and `evaluated` are there while the cache knows them; `texts` are samples' words by position.

    `transfers` are the wire bytes of each chunk by hash; `networks` those that its load times are limited for.
    """

    model: str
    variant: str
    group: str | None
    tensors: tuple[TensorBytes, ...]
    evaluated: EvaluatedSamples | None
    texts: dict[int, str]
    runs: dict[str, tuple[Run, ...]]
    transfers: tuple[tuple[str, int], ...]
    networks: tuple[Network, ...]


class Commit(Struct, frozen=True):
    """A committed baseline."""

    name: str
    date: str
    subject: str
    variants: dict[str, PublishedVariant]


class Picture(Struct, frozen=True):
    """A project as it is published. `variants` are in the order of the check's rows.

    `thumbnails` are WebP pictures of samples by their position, for each model that has any.
    """

    project: str
    check: CheckReport
    manifest_bytes: int
    variants: tuple[VariantPicture, ...]
    machines: dict[str, Machine]
    history: tuple[Commit, ...]
    thumbnails: dict[str, dict[int, bytes]] = {}
