"""What an export needs beside modelpack: asked for once, before anything is read."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from importlib.util import find_spec

from modelpack.errors import StepError

# Distributions by the module that shows they are there; optimum-onnx adds one to optimum's own package.
CHECKPOINTS = {
    "torch": "torch",
    "transformers": "transformers",
    "accelerate": "accelerate",
    "safetensors": "safetensors",
    "optimum": "optimum",
    "optimum.exporters.onnx": "optimum-onnx",
}
TRACING = {"torch": "torch", "onnxscript": "onnxscript"}
TFLITE = {"tensorflow": "tensorflow", "tf2onnx": "tf2onnx"}
# A checkpoint is a folder: whatever else its files ask for is refused, not fetched.
_OFFLINE = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "USE_TF": "0",
    "USE_FLAX": "0",
}


def missing_libraries(
    is_installed: Callable[[str], bool], needed: Mapping[str, str] = CHECKPOINTS
) -> tuple[str, ...]:
    """The distributions that are missing."""
    return tuple(name for module, name in needed.items() if not is_installed(module))


def need_libraries(needed: Mapping[str, str] = CHECKPOINTS) -> None:
    """Nothing, where everything is installed; from then on no library speaks to a hub.

    Raises: StepError MP-E404 with the command that installs what is missing.
    """
    missing = missing_libraries(_is_installed, needed)
    if missing:
        raise StepError(
            "MP-E404",
            f"{'a conversion' if needed is TFLITE else 'an export'} needs {', '.join(missing)}",
            remedy=f"pip install 'modelpack[{'tflite' if needed is TFLITE else 'export'}]'",
        )
    os.environ.update(_OFFLINE)


def _is_installed(module: str) -> bool:
    """Whether the module can be found. Its packages are imported, which of these is cheap: they are namespaces."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False
