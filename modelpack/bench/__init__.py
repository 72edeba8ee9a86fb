"""Variants, measured: natively in onnxruntime and in a real browser. Above the engine; only the CLI sees it."""
