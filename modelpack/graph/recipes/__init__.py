"""How weights are stored in fewer bits: one file per idea. `q8`, `q4` and `fp16` choose among them by rule."""
