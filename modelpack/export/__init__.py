"""From a checkpoint to ONNX. The only modules that import torch, transformers, optimum or TensorFlow, and only the steps `export` and `convert` import them."""
