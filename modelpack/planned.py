"""What a build will do: pure values, no behaviour. `plan.py` turns a Project into a Plan, `engine/` carries it out."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

from modelpack.spec.golden import Preprocess, StatePair
from modelpack.spec.limits import Target
from modelpack.spec.project import Form
from modelpack.spec.sources import (
    CheckpointSource,
    Export,
    FunctionSource,
    RemoteSource,
    Source,
    TfliteSource,
)
from modelpack.spec.variants import CalibrateMethod, Device, Dtype, Objective, RecipeSettings, Shape


class TracedFunction(Struct, frozen=True):
    """A function that gives a torch module, and the open axes of its inputs, as `FunctionSource` has them."""

    module: str
    function: str
    dimensions: tuple[tuple[str, int, str], ...]


class ExportParams(Struct, frozen=True, tag="export"):
    """How the checkpoint is exported, or the module that a function gives."""

    export: Export
    function: TracedFunction | None = None


class ConvertParams(Struct, frozen=True, tag="convert"):
    """How a TensorFlow Lite model is converted. What is None, the converter decides."""

    opset: int | None
    atol: float | None


class FetchParams(Struct, frozen=True, tag="fetch"):
    """Nothing to set: what is fetched is the step's input, and its key the pinned digest."""


class InspectParams(Struct, frozen=True, tag="inspect"):
    """Names the graph must have, checked before anything is spent on it."""

    outputs: tuple[str, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    state: tuple[StatePair, ...]


class SimplifyParams(Struct, frozen=True, tag="simplify"):
    """The pass has nothing to set."""


class ShakeParams(Struct, frozen=True, tag="shake"):
    """`outputs` to keep (empty: all) and symbolic dimensions to fix."""

    outputs: tuple[str, ...]
    free_dimensions: tuple[tuple[str, int], ...]


class QuantizeParams(Struct, frozen=True, tag="quantize"):
    """A recipe: number format, device, globs of nodes left alone, the block size of 4-bit weights, and the rest."""

    dtype: Dtype
    device: Device
    nodes_to_exclude: tuple[str, ...]
    block_size: int
    settings: RecipeSettings = RecipeSettings()


SampleFormat = Literal["npz", "jsonl", "safetensors", "folder"]


class GoldenParams(Struct, frozen=True, tag="golden"):
    """How samples are read: `format` follows from the file's suffix; files of a folder are read as `preprocess` says."""

    format: SampleFormat
    free_dimensions: tuple[tuple[str, int], ...]
    state: tuple[StatePair, ...] = ()
    preprocess: Preprocess | None = None


class EvaluateParams(Struct, frozen=True, tag="evaluate"):
    """`outputs` that are compared (empty: all), with the state carried between the steps of a sample.

    `metrics` are those with a limit; `functions` are (name, function) for each file of the role `metric`, in order.
    """

    outputs: tuple[str, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    metrics: tuple[str, ...] = ()
    functions: tuple[tuple[str, str], ...] = ()
    state: tuple[StatePair, ...] = ()


class StatisticsParams(Struct, frozen=True, tag="statistics"):
    """`outputs` whose error counts (empty: all), with the state carried between the steps of a sample."""

    outputs: tuple[str, ...]
    state: tuple[StatePair, ...] = ()


class CalibrateParams(Struct, frozen=True, tag="calibrate"):
    """How ranges follow from values, with the state carried between the steps of a sample."""

    method: CalibrateMethod
    state: tuple[StatePair, ...] = ()


class SolveParams(Struct, frozen=True, tag="solve"):
    """The form the grids are for, globs of nodes left alone, and what `outputs` (empty: all) must keep to."""

    device: Device
    shape: Shape
    nodes_to_exclude: tuple[str, ...]
    outputs: tuple[str, ...]
    targets: tuple[Target, ...]
    state: tuple[StatePair, ...] = ()
    objective: Objective = "download"


class CompatibilityParams(Struct, frozen=True, tag="compatibility"):
    """The device, the release of onnxruntime-web (empty: nobody says which), and fallbacks with the reasons they are accepted for."""

    device: Device
    release: str
    accepted: tuple[tuple[str, str], ...] = ()


class SplitParams(Struct, frozen=True, tag="split"):
    """Chunks of large tensors are cut every `chunk_size_bytes`."""

    chunk_size_bytes: int


class AssetsParams(Struct, frozen=True, tag="assets"):
    """`names` of the assets, in the order of the input files."""

    names: tuple[str, ...]
    chunk_size_bytes: int


class CompressParams(Struct, frozen=True, tag="compress"):
    """The forms to try, each with its level."""

    forms: tuple[tuple[Form, int], ...]


Params = (
    FetchParams
    | ConvertParams
    | ExportParams
    | InspectParams
    | SimplifyParams
    | ShakeParams
    | QuantizeParams
    | GoldenParams
    | CompatibilityParams
    | EvaluateParams
    | StatisticsParams
    | CalibrateParams
    | SolveParams
    | SplitParams
    | AssetsParams
    | CompressParams
)


class SourceGraph(Struct, frozen=True, tag="source-graph"):
    """The model file of a source, without its external data."""

    role: str
    source: Source


class SourceModel(Struct, frozen=True, tag="source-model"):
    """The model file of a source and every external data file that `inspect` found in it."""

    role: str
    source: Source
    inspect: str


class CheckpointFiles(Struct, frozen=True, tag="checkpoint-files"):
    """The files of a checkpoint, each under the name it has in its folder."""

    role: str
    source: CheckpointSource


class TfliteFile(Struct, frozen=True, tag="tflite-file"):
    """A TensorFlow Lite model, wherever it lies."""

    role: str
    source: TfliteSource


class FunctionFiles(Struct, frozen=True, tag="function-files"):
    """The source files of a function and those it reads, each under the path it has in the project."""

    role: str
    source: FunctionSource


class RemoteFiles(Struct, frozen=True, tag="remote"):
    """A model that lies elsewhere, its graph first, downloaded when a step needs its bytes."""

    role: str
    source: RemoteSource


class ProjectFile(Struct, frozen=True, tag="file"):
    """A file of the project: golden samples, a tokenizer, an asset."""

    role: str
    path: Path


class ProjectFolder(Struct, frozen=True, tag="folder"):
    """Every file in a folder of the project, by its path inside it. Hidden files are none of ours."""

    role: str
    path: Path


class Upstream(Struct, frozen=True, tag="step"):
    """All outputs with the role `output` of the step named `step`."""

    role: str
    step: str
    output: str


InputRef = (
    SourceGraph
    | SourceModel
    | CheckpointFiles
    | FunctionFiles
    | TfliteFile
    | RemoteFiles
    | ProjectFile
    | ProjectFolder
    | Upstream
)

StepKind = Literal[
    "fetch",
    "convert",
    "export",
    "inspect",
    "simplify",
    "shake",
    "quantize",
    "golden",
    "statistics",
    "calibrate",
    "solve",
    "compatibility",
    "evaluate",
    "split",
    "assets",
    "compress",
]


class Step(Struct, frozen=True):
    """One unit of work for `target`, a model or model@variant; with `mapped_over`, once for each file of that role."""

    kind: StepKind
    target: str
    params: Params
    inputs: tuple[InputRef, ...]
    mapped_over: str | None = None

    @property
    def name(self) -> str:
        """The task's name, `quantize:minilm@q8`."""
        return f"{self.kind}:{self.target}"


class Plan(Struct, frozen=True):
    """Every step of a build, each after the steps it needs."""

    steps: tuple[Step, ...]
