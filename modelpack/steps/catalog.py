"""The step kinds there are. A literal table; importing it imports no step."""

from __future__ import annotations

from msgspec import Struct

from modelpack.planned import StepKind
from modelpack.units import MIB


class KindFacts(Struct, frozen=True):
    """What the engine must know of a kind without importing it.

    `tools` are distributions whose version is part of the key, and `zlib`, which comes with Python. `numeric` marks
    results that differ between processors: the step runs kernels of onnxruntime, and their results shape its bytes. Peak memory is estimated as `memory_base_bytes + memory_factor * input bytes`. Steps
    with a `pool` run one after the other in a worker of that name: what they import costs seconds and hundreds of megabytes.
    `data` are files of the package that its results follow from, beside its code.
    """

    module: str
    tools: tuple[str, ...]
    timeout_s: float
    memory_factor: float
    memory_base_bytes: int = 150 * MIB
    numeric: bool = False
    pool: str = ""
    data: tuple[str, ...] = ()


# protobuf promises the same bytes for the same message only within one version.
_GRAPH_TOOLS = ("onnx", "onnx-ir", "protobuf", "numpy")

CATALOG: dict[StepKind, KindFacts] = {
    "fetch": KindFacts("modelpack.steps.fetch", _GRAPH_TOOLS, 600, 1),
    "convert": KindFacts(  # measured on MobileNet: 0.66 GB for a model of 1.6 MB
        "modelpack.steps.convert",
        ("tensorflow", "tensorflow_cpu", "tf2onnx", *_GRAPH_TOOLS, "onnxruntime"),
        1800,
        6,
        600 * MIB,
        pool="convert",
    ),
    "export": KindFacts(
        "modelpack.steps.export",
        (
            "torch",
            "onnxscript",
            "transformers",
            "optimum",
            "optimum-onnx",
            "safetensors",
            *_GRAPH_TOOLS,
            "onnxruntime",
        ),
        3600,
        4,
        600 * MIB,
        pool="export",
    ),
    "inspect": KindFacts("modelpack.steps.inspect", _GRAPH_TOOLS, 120, 2),
    "simplify": KindFacts(
        "modelpack.steps.simplify", (*_GRAPH_TOOLS, "onnxsim", "onnxruntime"), 900, 6, numeric=True
    ),
    "shake": KindFacts("modelpack.steps.shake", _GRAPH_TOOLS, 600, 2),
    "quantize": KindFacts(
        "modelpack.steps.quantize", (*_GRAPH_TOOLS, "onnxruntime"), 1800, 4, numeric=True
    ),
    "golden": KindFacts("modelpack.steps.golden", ("numpy", "tokenizers", "pillow"), 600, 4),
    # Measured on MiniLM, 90 MB, on two cores: 1.3 GB at the peak, most of it metrics over inputs and outputs.
    "statistics": KindFacts(
        "modelpack.steps.statistics", (*_GRAPH_TOOLS, "onnxruntime"), 3600, 14, numeric=True
    ),
    "calibrate": KindFacts(
        "modelpack.steps.calibrate", (*_GRAPH_TOOLS, "onnxruntime"), 3600, 6, numeric=True
    ),
    # Measured on MiniLM, with its statistics 166 MB: 0.9 GB.
    "solve": KindFacts(
        "modelpack.steps.solve", (*_GRAPH_TOOLS, "onnxruntime"), 3600, 6, numeric=True
    ),
    "compatibility": KindFacts(
        "modelpack.steps.compatibility",
        _GRAPH_TOOLS,
        120,
        2,
        data=("compatible.py", "graph/compatibility/onnxruntime-web.json"),
    ),
    "evaluate": KindFacts(
        "modelpack.steps.evaluate", ("onnxruntime", "numpy"), 3600, 4, numeric=True
    ),
    "split": KindFacts("modelpack.steps.split", _GRAPH_TOOLS, 1800, 0.3),
    "assets": KindFacts("modelpack.steps.assets", (), 300, 1, 60 * MIB),
    "compress": KindFacts("modelpack.steps.compress", ("brotli", "zstandard", "zlib"), 1200, 10),
}
