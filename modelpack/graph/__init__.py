"""Everything about ONNX graphs that steps share. Runs in worker processes only; heavy libraries are welcome here."""
