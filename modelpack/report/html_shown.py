"""What the page of the HTML report reads, as JSON: the other end is page/."""

from __future__ import annotations

from msgspec import Struct

from modelpack.measured import Run
from modelpack.published import PublishedFigures


class Shown(Struct, frozen=True, rename="camel"):
    """JSON is camelCase."""


class Tile(Shown, frozen=True):
    """A figure at the top of the page."""

    figure: str
    words: str


class MetricWords(Shown, frozen=True):
    """A metric's heading, what it says, and whether less of it is better."""

    heading: str
    less: bool
    meaning: str


class LimitShown(Shown, frozen=True):
    """A limit of a variant, to be drawn."""

    quantity: str
    limit: float


class StepShown(Shown, frozen=True):
    """One bar of the waterfall, in seconds."""

    label: str
    bytes: int
    starts: float
    begins: float
    ends: float


class DownloadShown(Shown, frozen=True):
    """A first visit over one network."""

    network: str
    title: str
    seconds: float
    limit: float | None
    steps: tuple[StepShown, ...]


class SampleShown(Shown, frozen=True):
    """A judge sample and its figures."""

    position: int
    name: str
    text: str
    values: tuple[float, ...]


class SamplesShown(Shown, frozen=True):
    """The samples of a variant, and the metrics that their figures are of."""

    metrics: tuple[str, ...] = ()
    figures: tuple[SampleShown, ...] = ()


class RunShown(Shown, frozen=True):
    """A run, and the machine it is of."""

    machine: str
    run: Run


class VariantShown(Shown, frozen=True):
    """A variant with everything that is known of it."""

    name: str
    model: str
    variant: str
    dtype: str
    device: str
    group: str
    size_bytes: int | None
    download_bytes: int | None
    chunks: int | None
    is_best: bool
    verdict: str
    holds: bool
    accuracy: dict[str, float]
    accuracy_text: dict[str, str]
    measured: dict[str, float]
    native_s: float | None
    threads: str
    limits: tuple[LimitShown, ...]
    tensors: tuple[tuple[str, str, int, str, str], ...]
    samples: SamplesShown
    runs: tuple[RunShown, ...]
    downloads: tuple[DownloadShown, ...]
    before: PublishedFigures | None


class CommitShown(Shown, frozen=True):
    """A committed baseline: figures by variant and name."""

    commit: str
    date: str
    subject: str
    figures: dict[str, dict[str, float]]


class PageData(Shown, frozen=True):
    """All of it."""

    project: str
    summary: str
    holds: bool
    failures: str
    tiles: tuple[Tile, ...]
    metrics: dict[str, MetricWords]
    groups: dict[str, str]
    machines: dict[str, str]
    variants: tuple[VariantShown, ...]
    history: tuple[CommitShown, ...]
    pictures: dict[str, dict[str, str]]
