"""What is published, measured and committed, for judging it again and comparing it with something else.

`modelpack.baseline.json` holds PublishedVariants, `modelpack.stats.json` VariantStats, `check --json` prints a CheckReport.
"""

from __future__ import annotations

from msgspec import Struct

from modelpack.compatible import AcceptedFallback
from modelpack.measured import Run
from modelpack.record import Evaluation, Verdict


class PublishedVariant(Struct, frozen=True, rename="camel"):
    """The figures of a published variant: its identity, bytes, the wire bytes of each chunk by hash, and its accuracy.

    `assets` are the wire bytes of each asset of its model by name.
    `measured` are those of a browser, by the budget that limits them: seconds, and bytes of memory.
    """

    digest: str
    download_bytes: int
    size_bytes: int
    chunks: dict[str, int]
    accuracy: dict[str, float] = {}
    assets: dict[str, int] = {}
    measured: dict[str, float] = {}


class PublishedFigures(Struct, frozen=True, rename="camel"):
    """A PublishedVariant without its chunks.

    `refetch_bytes` are on the wire in chunks that only the newer of two has; None where its chunks are not known.
    """

    download_bytes: int
    size_bytes: int
    chunks: int
    refetch_bytes: int | None
    accuracy: dict[str, float]


class VariantDifference(Struct, frozen=True, rename="camel"):
    """A variant in two packs. None on the side where it is not; `refetch_bytes` as above."""

    variant: str
    before: PublishedVariant | None
    after: PublishedVariant | None
    refetch_bytes: int


class VariantStats(Struct, frozen=True, rename="camel", omit_defaults=True):
    """What was measured of a published variant and cannot be read off its manifest.

    `golden` is the digest of the golden set that the evaluation is of, `largest` its heaviest weights. `runs` are what
    `bench` measured, by the id of the machine. `fallbacks` are nodes that another provider than the device's runs.
    """

    golden: str = ""
    evaluation: Evaluation | None = None
    largest: tuple[tuple[str, int], ...] = ()
    runs: dict[str, tuple[Run, ...]] = {}
    fallbacks: tuple[AcceptedFallback, ...] = ()


class CheckRow(Struct, frozen=True, rename="camel"):
    """A published variant beside its limits. Bytes are None where the variant is not published.

    `before` is what the committed baseline has of it. `is_best`: no other variant of the model is smaller and as accurate.
    """

    model: str
    variant: str
    dtype: str
    device: str
    size_bytes: int | None
    download_bytes: int | None
    chunks: int | None
    evaluation: Evaluation | None
    before: PublishedFigures | None
    is_best: bool = False
    measured: dict[str, float] = {}


class CheckReport(Struct, frozen=True, rename="camel"):
    """Everything that is published, judged."""

    variants: tuple[CheckRow, ...]
    verdicts: tuple[Verdict, ...]
