"""From a checkpoint to ONNX. The only modules that import torch, transformers or optimum, and only the export step imports them."""
