"""Configurations that are accepted, each under the name of what it shows."""

from __future__ import annotations

MODEL = """[models.a]
source = "a.onnx"
"""

GOOD = {
    "smallest": MODEL,
    "empty_tables": """\
[output]
[cache]
[defaults]
[models.a]
source = "a.onnx"
budget = {}
golden = { samples = "g.npz", metrics = {} }""",
    "no_passes": MODEL + "passes = []",
    "package_of_npm": """\
[models.a]
source = "npm:@scope/package/dist/a.onnx"
""",
    "package_of_python": """\
[models.a]
source = "py:silero_vad.data/a.onnx"
""",
    "quoted_id": """\
[models."t5.encoder"]
source = "encoder.onnx"
""",
    "path_in_the_workspace_above": """\
[models.a]
source = "../shared/a.onnx"
""",
    "path_with_spaces_and_umlauts": """\
[models.a]
source = "my models/größe 1.onnx"
""",
    "without_compression": MODEL
    + """\
[output]
compression = "none"
""",
    "whole_numbers_as_floats": MODEL
    + """\
budget.chunks = 60.0
variants.q4 = { block_size = 64.0 }""",
    "smallest_output": MODEL
    + """\
[output]
host = "s3-cloudfront"
compression = "smallest"
keep_generations = 0""",
    "sizes_without_space": MODEL
    + """\
chunk_size = "64KiB"
budget.size = "1.5GB"
""",
    "thresholds_at_their_bounds": MODEL
    + """\
golden.samples = "g.npz"
[models.a.golden.metrics]
cosine = ">=1"
max_abs_error = "<= 1e-3"
top1_agreement = ">= 0.0"
""",
    "variants_of_every_dtype": MODEL
    + """\
[models.a.variants]
fp32 = {}
fp16 = {}
q8 = { nodes_to_exclude = ["/a/*"] }
q4 = { group_size = 128, device = "webgpu" }
other = { dtype = "q8" }""",
    "everything_in_defaults": """\
[defaults]
outputs = ["y", "hn"]
free_dimensions = { batch = 1 }
state = [{ input = "h", output = "hn" }]
assets = { labels = "l.json" }
load = "idle"
group = "g"
passes = []
chunk_size = "1 MiB"
golden = { tokenizer = "t.json" }
budget = { hints = "warning" }
variants = { q8 = {} }
[models.a]
source = "a.onnx"
golden.samples = "g.jsonl"
""",
    "odd_spelling": """\
# comment

"models" . 'a' . source = 'a.onnx' # another
models.a."outputs" = [
  "x", # first

  "y",
]""",
}
