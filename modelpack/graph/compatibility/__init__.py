"""Whether a graph runs where it is meant to: what onnxruntime-web's providers support, release by release."""
