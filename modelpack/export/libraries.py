"""What an export needs beside modelpack: asked for once, before anything is read."""

from __future__ import annotations

import os
from importlib.util import find_spec

from modelpack.errors import StepError

_NEEDED = ("torch", "transformers", "optimum", "safetensors", "accelerate")
_EXPORTER = "optimum.exporters.onnx"
# A checkpoint is a folder: whatever else its files ask for is refused, not fetched.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "USE_TF": "0",
    "USE_FLAX": "0",
}


def need_libraries() -> None:
    """Nothing, where everything is installed. Raises: StepError MP-E404 with the command that installs it."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if not missing and find_spec("optimum.exporters") is not None and find_spec(_EXPORTER) is None:
        missing = ["optimum-onnx"]
    if missing:
        raise StepError(
            "MP-E404",
            f"exporting a checkpoint needs {', '.join(missing)}",
            remedy="pip install 'modelpack[export]'",
        )
    os.environ.update(_OFFLINE)
