"""What was found out: results of steps, facts about models, measurements, verdicts, events.

The hand-over types between steps, judge, publish and report. Anything that is stored or hashed holds facts only:
no time, no path, no host name. JSON of these types is camelCase.
"""

from __future__ import annotations

from typing import Literal, get_args

from msgspec import Struct

from modelpack.spec.limits import Hints, Metric
from modelpack.spec.project import Host

_METRICS: frozenset[str] = frozenset(get_args(Metric))

# --- results of steps (stored) -----------------------------------------------------------------------------------


class Output(Struct, frozen=True, rename="camel"):
    """One file a step wrote: what it is for, the name it has beside its siblings, and its blob."""

    role: str
    name: str
    digest: str
    size_bytes: int


class Measurement(Struct, frozen=True, rename="camel"):
    """One number (or word) that a step found out."""

    name: str
    value: int | float | str


class StepResult(Struct, frozen=True, rename="camel"):
    """What one run of a step gave. Follows from the step's key alone."""

    outputs: tuple[Output, ...]
    measurements: tuple[Measurement, ...] = ()
    notes: tuple[str, ...] = ()

    def with_role(self, role: str) -> tuple[Output, ...]:
        """The outputs that have this role, in the order the step gave them."""
        return tuple(output for output in self.outputs if output.role == role)

    def measured(self, name: str) -> int | float | str:
        """The measurement of that name. Raises: KeyError."""
        for measurement in self.measurements:
            if measurement.name == name:
                return measurement.value
        raise KeyError(name)


class TaskResult(Struct, frozen=True, rename="camel"):
    """The results of one task: a single one, or one for each item (a blob's digest) it is mapped over."""

    items: tuple[tuple[str, StepResult], ...]

    def only(self) -> StepResult:
        """The result of a task that is not mapped."""
        ((_, result),) = self.items
        return result

    def with_role(self, role: str) -> tuple[Output, ...]:
        """The outputs of all items that have this role."""
        return tuple(output for _, result in self.items for output in result.with_role(role))


# --- facts about a model (an output of `inspect`) ----------------------------------------------------------------


class ValueFacts(Struct, frozen=True, rename="camel"):
    """An input or output. `dtype` in onnxruntime-web's words (`float32`, `int64`); a dimension is a size, a name, or unknown."""

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]


class TensorFacts(Struct, frozen=True, rename="camel"):
    """A weight. `location`, `offset` and `size_bytes` say where it lies when it is external data.

    `checksum` is the SHA-1 of the whole data file, where the graph gives one.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    consumers: tuple[str, ...] = ()
    location: str | None = None
    offset_bytes: int = 0
    checksum: str | None = None


class ModelFacts(Struct, frozen=True, rename="camel"):
    """What `inspect` read from the graph file alone."""

    ir_version: int
    opsets: tuple[tuple[str, int], ...]
    operators: tuple[tuple[str, int], ...]
    inputs: tuple[ValueFacts, ...]
    outputs: tuple[ValueFacts, ...]
    tensors: tuple[TensorFacts, ...]


# --- how files are cut (an output of `split` and `assets`) -------------------------------------------------------


class Part(Struct, frozen=True, rename="camel"):
    """A run of bytes of a file: a slice of the chunk `chunk` (a digest), or zeros where `chunk` is empty."""

    chunk: str
    offset_bytes: int
    size_bytes: int


class FileLayout(Struct, frozen=True, rename="camel"):
    """A file and the parts that make it. `path` is the external data's location in the graph, or the asset's name."""

    path: str
    role: Literal["graph", "data", "asset"]
    type: str
    digest: str
    size_bytes: int
    parts: tuple[Part, ...]


class TensorBytes(Struct, frozen=True, rename="camel"):
    """A weight of a variant, for reports: its name, its bytes, the first node that reads it and that node's operator."""

    name: str
    dtype: str
    size_bytes: int
    consumer: str
    operator: str


class Layout(Struct, frozen=True, rename="camel"):
    """The files of one variant, or the assets of one model, as parts of chunks."""

    files: tuple[FileLayout, ...]
    inputs: tuple[ValueFacts, ...] = ()
    outputs: tuple[ValueFacts, ...] = ()
    tensors: tuple[TensorBytes, ...] = ()


# --- accuracy (an output of `evaluate`) --------------------------------------------------------------------------


class MetricValue(Struct, frozen=True, rename="camel"):
    """A metric over the judge samples: the figure, and the sample that does worst.

    `low` and `high` bound the figure's 95 % confidence interval (bootstrap over samples); absent where there is none.
    """

    metric: str
    value: float
    worst_sample: int
    worst_value: float
    low: float | None = None
    high: float | None = None


class Evaluation(Struct, frozen=True, rename="camel", omit_defaults=True):
    """How one variant compares with the fp32 original on the samples that nothing else has seen.

    `other` are figures of another domain's samples.
    """

    samples: int
    metrics: tuple[MetricValue, ...]
    other: tuple[MetricValue, ...] = ()


class SampleFigures(Struct, frozen=True, rename="camel"):
    """One judge sample: its place in the user's file, its name where it has one, and its figure for each metric in order."""

    position: int
    name: str
    values: tuple[float, ...]


class EvaluatedSamples(Struct, frozen=True, rename="camel", omit_defaults=True):
    """An Evaluation with the figures of every sample: the whole of `evaluation.json`."""

    samples: int
    metrics: tuple[MetricValue, ...]
    figures: tuple[SampleFigures, ...]
    other: tuple[MetricValue, ...] = ()


# --- verdicts ----------------------------------------------------------------------------------------------------


class Verdict(Struct, frozen=True, rename="camel"):
    """One limit, judged. `measured` is None where nothing was measured, and that fails.

    `contributors` are its largest parts in bytes, `operators` the slowest with their shares of the time.
    `baseline` is the committed figure that a relative limit follows from. `note` says why a limit was not judged; it holds.
    """

    model: str
    variant: str
    quantity: str
    comparison: Literal["<=", ">="]
    limit: float
    measured: float | None
    passed: bool
    hints: Hints
    key: str
    contributors: tuple[tuple[str, int], ...] = ()
    operators: tuple[tuple[str, float], ...] = ()
    baseline: float | None = None
    note: str = ""

    @property
    def is_accuracy(self) -> bool:
        """Whether it judges a metric rather than a budget."""
        return self.quantity in _METRICS or self.quantity.startswith("python:")

    @property
    def target(self) -> str:
        """The variant as people name it, `minilm@q8`."""
        return f"{self.model}@{self.variant}"


# --- what happened (shown, never stored with results) ------------------------------------------------------------


class StepEvent(Struct, frozen=True, rename="camel", tag_field="event", tag="step"):
    """A step began, came further (`done` of `total` runs), ended, was answered from the cache, or failed."""

    step: str
    state: Literal["started", "progress", "finished", "cached", "failed"]
    seconds: float = 0.0
    done: int = 0
    total: int = 0
    error: str = ""


class StepForecast(Struct, frozen=True, rename="camel"):
    """What a build would do with a step. `unknown` where that depends on a step that has yet to run; `reason` says which."""

    step: str
    state: Literal["run", "cached", "unknown"]
    reason: str


class VariantReport(Struct, frozen=True, rename="camel"):
    """One row of the table that a build ends with. Sizes in bytes; `shared` is a share from 0 to 1.

    `assets_bytes` are on the wire, for the assets of its model, which no other figure counts.
    """

    model: str
    variant: str
    dtype: str
    device: str
    scheme: str
    source_bytes: int
    size_bytes: int
    download_bytes: int
    chunks: int
    shared: float
    evaluation: Evaluation | None
    seconds: float
    cached_steps: int
    steps: int
    notes: tuple[str, ...] = ()
    assets_bytes: int = 0


BuildStatus = Literal["built", "unchanged", "failed", "over-budget", "inaccurate", "out-of-date"]


class BuildReport(Struct, frozen=True, rename="camel"):
    """A whole build, as the CLI shows it and `--json` prints it. `manifest` is relative to the configuration file.

    `file_limit_bytes` is the largest file that `host` takes, for those who publish more to it. `mode` is development where nothing that was published should be deployed: quick compression, limits that only warn.
    """

    status: BuildStatus
    manifest: str
    manifest_sha256: str
    variants: tuple[VariantReport, ...]
    verdicts: tuple[Verdict, ...]
    errors: tuple[str, ...]
    seconds: float
    mode: str = "production"
    host: Host = "static"
    file_limit_bytes: int | None = None
