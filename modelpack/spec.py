"""What a project asks for: pure values, no behaviour. `config/` makes a Project. Paths are absolute."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from msgspec import Struct

Dtype = Literal["fp32", "fp16", "q8", "int8", "uint8", "q4", "q4f16", "bnb4"]
# What a single weight can be stored as, whatever the others are.
WeightDtype = Literal["fp32", "fp16", "q8", "int8", "uint8", "q4", "bnb4"]
# Those that compute in half precision, for which WebAssembly has no kernels.
HALVES: frozenset[Dtype] = frozenset({"fp16", "q4f16"})
Device = Literal["wasm", "webgpu", "webnn"]
Host = Literal[
    "static",
    "cloudflare-pages",
    "netlify",
    "vercel",
    "github-pages",
    "nginx",
    "s3-cloudfront",
    "npm",
]
Load = Literal["eager", "idle", "lazy"]
Mode = Literal["production", "development"]
Form = Literal["gzip", "zstd", "br"]
Compression = Literal["balanced", "smallest", "none"]
Hints = Literal["error", "warning"]
# `entropy`: on grids chosen for how small they compress. `auto`: so, and in whichever form of the device is smallest.
Shape = Literal["plain", "entropy", "auto"]
Objective = Literal["download", "latency"]  # what a search makes small
# `dynamic`: products of integers, activations rounded as they come. `static`: by ranges that samples were seen to have.
# `float`: only weights are integers.
Activations = Literal["dynamic", "static", "float"]
ActivationType = Literal["uint8", "int8", "uint16", "int16"]
CalibrateMethod = Literal["minmax", "entropy", "percentile"]
MeasuredQuantity = Literal["memory", "latency_p50", "latency_p95", "first_inference"]
Quantity = Literal["download", "size", "chunks", "assets", "update", "load_time"] | MeasuredQuantity
Metric = Literal[
    "cosine",
    "max_abs_error",
    "mean_abs_error",
    "sqnr",
    "kl_divergence",
    "top1_agreement",
    "top5_agreement",
    "retrieval_agreement",
    "box_iou",
    "token_agreement",
    "perplexity",
    "accuracy",
    "f1",
]
Comparison = Literal[">=", "<="]
Library = Literal["transformers", "sentence_transformers"]


class FileSource(Struct, frozen=True, tag="file"):
    """An ONNX file of the project."""

    path: Path


class NpmSource(Struct, frozen=True, tag="npm"):
    """A file inside an npm package, found in `node_modules` upward from `start`."""

    package: str
    path: str
    start: Path


class PythonSource(Struct, frozen=True, tag="py"):
    """A file inside an installed Python package."""

    package: str
    path: str


class PinnedFile(Struct, frozen=True):
    """A file that lies elsewhere, by its name there (with `/` between folders), and the content it must have."""

    name: str
    sha256: str
    size_bytes: int


class HubSource(Struct, frozen=True, tag="hub"):
    """A repository of the Hugging Face hub at a revision; `path` is a file in it, where one is named.

    `commit` and `files` are what the lock says, and empty without one. `folder` is where copies of the small files lie,
    None where they do not. `graph` is the ONNX file that this model is; empty until that is known. Pickles and Python files
    count only where the configuration says so.
    """

    repo: str
    revision: str
    path: str = ""
    commit: str = ""
    files: tuple[PinnedFile, ...] = ()
    folder: Path | None = None
    graph: str = ""
    takes_pickles: bool = False
    takes_code: bool = False

    @property
    def text(self) -> str:
        """The source as the configuration writes it."""
        path = f"/{self.path}" if self.path else ""
        return f"hf:{self.repo}{path}@{self.revision}"


class CheckpointSource(Struct, frozen=True, tag="checkpoint"):
    """A folder with a Hugging Face checkpoint, found where `origin` leads. `files` are those an export may read.

    `part` is the graph of the export that this model is; empty where it gives one graph. Of a checkpoint on the hub, only
    the small files lie in `folder`. `pickle_sha256` is what a pickle of weights in the folder has to have.
    """

    origin: FileSource | NpmSource | PythonSource | HubSource
    folder: Path
    files: tuple[str, ...]
    part: str = ""
    pickle_sha256: str | None = None


class UrlSource(Struct, frozen=True, tag="url"):
    """A file on the web, the same at each address. `sha256` is None where neither configuration nor lock pins it.

    `data` are its data files, which lie beside it; None where no lock says which.
    """

    url: str
    mirrors: tuple[str, ...] = ()
    sha256: str | None = None
    data: tuple[PinnedFile, ...] | None = None


class FunctionSource(Struct, frozen=True, tag="function"):
    """A function of the project that gives a torch module, in the module file below `root`.

    `files` are other files of the project that it reads. `dimensions` names the axes of inputs that are open: (input, axis,
    name).
    """

    module: str
    function: str
    root: Path
    files: tuple[Path, ...] = ()
    dimensions: tuple[tuple[str, int, str], ...] = ()
    part: str = ""

    @property
    def text(self) -> str:
        """The source as the configuration writes it."""
        return f"python:{self.module}:{self.function}"


RemoteSource = UrlSource | HubSource


class TfliteSource(Struct, frozen=True, tag="tflite"):
    """A TensorFlow Lite model, which is converted first. A file that lies elsewhere is taken for one by its name."""

    origin: FileSource | NpmSource | PythonSource | RemoteSource
    part: str = ""


ExportedSource = CheckpointSource | FunctionSource | TfliteSource
Source = FileSource | NpmSource | PythonSource | ExportedSource | RemoteSource


class Export(Struct, frozen=True):
    """How a checkpoint becomes ONNX, in optimum's words. What is None, optimum or the checkpoint decides."""

    task: str | None = None
    opset: int | None = None
    atol: float | None = None
    library: Library | None = None
    allow_pickle: bool | None = None
    trust_remote_code: bool | None = None
    pickle_sha256: str | None = None


class StatePair(Struct, frozen=True):
    """State the page carries from call to call: what `output` gave is what `input` gets next."""

    input: str
    output: str


class Asset(Struct, frozen=True):
    """A companion file (a tokenizer, labels) that is published beside the model."""

    name: str
    path: Path


class Growth(Struct, frozen=True):
    """A limit that moves with the committed baseline: at most `share` more (0.02: two per cent), or less if negative."""

    share: float


class Network(Struct, frozen=True):
    """A network that load times are computed for. `latency_s` is the round trip."""

    name: str
    bandwidth_bits_per_s: float
    latency_s: float


class Limit(Struct, frozen=True):
    """One budget: `quantity` may be at most `maximum` (bytes, a count, a share or seconds). `key` is where the user wrote it.

    `network` is set for `load_time`, and for nothing else.
    """

    quantity: Quantity
    maximum: float | Growth
    hints: Hints
    key: str
    network: Network | None = None


class MetricLimit(Struct, frozen=True):
    """One accuracy limit. `metric` is a Metric or `python:module:function`; `key` is where the user wrote it.

    If it is relative, `threshold` is added to the committed baseline's figure.
    """

    metric: str
    comparison: Comparison
    threshold: float
    key: str
    is_relative: bool = False


class MetricFunction(Struct, frozen=True):
    """A metric of the project's own: `function` in the file at `path`. `name` is how the user wrote it."""

    name: str
    path: Path
    function: str


class ImageLayout(Struct, frozen=True, tag="image"):
    """How a picture becomes an input: resized, cropped, scaled, normalised, in that order.

    `size` and `crop` are (height, width); a `size` with one number is that of the shorter side. `range` is what 0 and 255
    become. Empty `mean` and `std` normalise nothing; an empty `layout` or `color` follows the model's input.
    """

    size: tuple[int, ...] = ()
    crop: tuple[int, ...] = ()
    range: tuple[float, ...] = (0.0, 1.0)
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    layout: Literal["", "nchw", "nhwc"] = ""
    color: Literal["", "rgb", "bgr", "gray"] = ""
    resample: Literal["nearest", "bilinear", "bicubic", "lanczos"] = "bilinear"
    constants: tuple[tuple[str, float], ...] = ()


class AudioLayout(Struct, frozen=True, tag="audio"):
    """How a recording becomes an input: mono at `sample_rate_hz`, whole (`frame` 0), or as steps of `frame` samples.

    Each step begins with the `context` samples before its frame.
    """

    sample_rate_hz: int = 16000
    frame: int = 0
    context: int = 0
    constants: tuple[tuple[str, float], ...] = ()


class RawLayout(Struct, frozen=True, tag="raw"):
    """How the bytes of a file become an input.

    With neither `first` nor `last` they are the input's elements, little-endian. Else each byte is one element: the
    `first` bytes, then the `last`, filled up with `padding`; `strip` drops white space at either end of the file first,
    inside its outer `block` bytes.
    """

    first: int = 0
    last: int = 0
    padding: int = 0
    strip: bool = False
    block: int = 4096
    constants: tuple[tuple[str, float], ...] = ()


Preprocess = ImageLayout | AudioLayout | RawLayout


class Reference(Struct, frozen=True):
    """Another model of the project that variants are compared with; the rest is what its first steps need."""

    id: str
    source: Source
    outputs: tuple[str, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    state: tuple[StatePair, ...]
    export: Export = Export()


class Target(Struct, frozen=True):
    """What a search must reach on the tune samples: the same limit without the place where it is written."""

    metric: Metric
    threshold: float


class Golden(Struct, frozen=True):
    """The samples that define "still good enough". Without `reference`, variants are compared with the original.

    `samples` is a file, or a folder that `preprocess` says how to read (or `preprocessor`, a preprocessor_config.json).
    `other` are samples of another domain, which no limit is for.
    """

    samples: Path
    tokenizer: Path | None
    metrics: tuple[MetricLimit, ...]
    functions: tuple[MetricFunction, ...] = ()
    labels: Path | None = None
    reference: Reference | None = None
    preprocess: Preprocess | None = None
    preprocessor: Path | None = None
    other: Path | None = None


class Override(Struct, frozen=True):
    """How weights are stored whose own name, or whose reader's, `pattern` matches: not as the variant's dtype says."""

    pattern: str
    dtype: WeightDtype
    block_size: int


class RecipeSettings(Struct, frozen=True):
    """What a recipe may be told beyond its dtype. `activations` None: what the device runs best.

    `embedding_dtype` is for tables whose rows are looked up, `output_dtype` for the weights nearest to the outputs;
    None leaves them to the dtype. Overrides go before both, the last one that matches before the others.
    """

    activations: Activations | None = None
    activation_type: ActivationType = "uint8"
    calibrate_method: CalibrateMethod = "minmax"
    per_channel: bool = True
    symmetric: bool = True
    embedding_dtype: WeightDtype | None = None
    output_dtype: WeightDtype | None = None
    overrides: tuple[Override, ...] = ()

    @property
    def is_static(self) -> bool:
        """Whether activations are rounded by ranges that calibration finds."""
        return self.activations == "static"


class Variant(Struct, frozen=True):
    """One graph for one device. `accepted_fallbacks` are (pattern of nodes or operator, reason)."""

    id: str
    dtype: Dtype
    device: Device
    nodes_to_exclude: tuple[str, ...]
    block_size: int
    budget: tuple[Limit, ...]
    shape: Shape = "plain"
    objective: Objective = "download"
    settings: RecipeSettings = RecipeSettings()
    accepted_fallbacks: tuple[tuple[str, str], ...] = ()


class Model(Struct, frozen=True):
    """One model and everything asked of it."""

    id: str
    source: Source
    outputs: tuple[str, ...]
    free_dimensions: tuple[tuple[str, int], ...]
    state: tuple[StatePair, ...]
    assets: tuple[Asset, ...]
    load: Load
    group: str | None
    simplify: bool
    chunk_size_bytes: int
    golden: Golden | None
    variants: tuple[Variant, ...]
    export: Export = Export()


class HostFile(Struct, frozen=True):
    """The file that tells the host how long to keep what, and where the pack is on the site.

    Where nobody named it, it is written only if it is missing or has a part of ours already.
    """

    path: Path
    address: str
    is_named: bool


class OutputSettings(Struct, frozen=True):
    """Where and how the published files lie."""

    path: Path
    host: Host
    keep_generations: int
    types: Path | None
    compression: Compression
    host_file: HostFile | None = None


class RuntimeBuild(Struct, frozen=True):
    """The WebAssembly of the runtime for one device."""

    device: Device
    path: Path


class RuntimeSettings(Struct, frozen=True):
    """The runtime that is published beside the models. `version` and `builds` are what is installed, once it was looked for."""

    package: str
    version: str = ""
    builds: tuple[RuntimeBuild, ...] = ()


class CacheSettings(Struct, frozen=True):
    """Where results are remembered, and when old ones go."""

    directory: Path
    max_size_bytes: int
    max_age_s: float


class Project(Struct, frozen=True):
    """A whole `modelpack.toml`, read and checked.

    `web_release` is the version of onnxruntime-web that pages load; empty where nothing says which.
    """

    config: Path
    workspace: Path
    output: OutputSettings
    cache: CacheSettings
    models: tuple[Model, ...]
    runtime: RuntimeSettings | None = None
    web_release: str = ""

    @property
    def baseline(self) -> Path:
        """The committed figures that later builds are compared with."""
        return self.config.with_name("modelpack.baseline.json")

    @property
    def stats(self) -> Path:
        """What was measured of the published variants."""
        return self.config.with_name("modelpack.stats.json")
