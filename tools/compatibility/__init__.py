"""Makes the table of what onnxruntime-web's providers support: `python -m tools.compatibility --help`."""
