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
    "another_domain": """\
[models.a]
source = "a.onnx"
golden = { samples = "g.npz", other = "reviews.jsonl", tokenizer = "t.json" }
""",
    "checkpoint": """\
[models.a]
source = "models/bert"
task = "text-classification"
opset = 17
atol = 1e-4
library = "transformers"
golden = { samples = "g.jsonl" }
""",
    "file_from_the_web": """\
[models.a]
source = "https://example.com:8443/m/a.onnx?download=true"
sha256 = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
mirrors = ["https://mirror.example.com/a.onnx", "http://127.0.0.1:8000/a.onnx"]
""",
    "accuracy_against_the_baseline": MODEL
    + 'golden = { samples = "g.npz", metrics = { cosine = ">= baseline - 0.002", sqnr = ">= baseline", kl_divergence = "<= baseline + 0.01" } }',
    "budgets_for_each_device": MODEL
    + 'budget = { latency_p95 = { wasm = "60 ms", webgpu = "+10%" }, memory = "180 MB", first_inference = "1 s", latency_p50 = "+5%", download = { wasm = "4 MB" }, chunks = { webgpu = "+0%" }, update = { wasm = "25%" } }',
    "accepted_fallback": MODEL
    + 'variants.fp16 = { accept_fallback = { NonMaxSuppression = "once", "/head/*" = "small" } }',
    "runtime_from_a_cdn": MODEL
    + '[runtime]\npackage = "onnxruntime-web"\npack = false\nversion = "1.29.0"\n',
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
host_file = false
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
uint8 = { per_channel = false, activations = "float" }
bnb4 = { block_size = 64 }
q4f16 = { symmetric = false, embedding_dtype = "fp16", output_dtype = "q8" }
other = { dtype = "q8", overrides = { "/a/*" = "q4", "b*" = { dtype = "q4", block_size = 16 }, "/c" = "fp32" } }""",
    "variants_shaped": MODEL
    + """\
golden = { samples = "g.npz", metrics = { cosine = ">= 0.99" } }
[models.a.variants]
auto = {}
small = { dtype = "q8", shape = "entropy", device = "webgpu" }
q8 = { shape = "plain" }
other = { dtype = "auto", objective = "latency" }""",
    "variants_static": MODEL
    + """\
golden = { samples = "g.npz" }
[models.a.variants]
q8 = { activations = "static" }
nn = { dtype = "q8", activations = "static", device = "webnn", budget = { latency_p50 = { wasm = "40 ms" } } }
half = { dtype = "fp16", device = "webnn" }
uint8 = { activations = "static", activation_type = "int16", calibrate_method = "percentile" }""",
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
    "limits_against_the_baseline": MODEL
    + """\
budget = { download = "+2%", size = "-1.5 %", chunks = "+0%", update = "25%" }
""",
    "load_time_on_networks": MODEL
    + """\
budget = { load_time = { fast4g = "14 s" } }
variants.q8 = { budget = { load_time = { office = "500 ms" } } }
[networks]
fast4g = { bandwidth = "9 Mbit/s", latency = "165 ms" }
office = { bandwidth = "1.5 Gbit/s", latency = "5 ms" }
""",
    "every_metric": MODEL
    + """\
[models.a.golden]
samples = "g.safetensors"
labels = "labels.jsonl"
reference = "b"
[models.a.golden.metrics]
cosine = ">= 0.99"
max_abs_error = "<= 0.1"
mean_abs_error = "<= 0.01"
sqnr = ">= 30"
kl_divergence = "<= 1e-3"
top1_agreement = ">= 0.9"
top5_agreement = ">= 0.9"
retrieval_agreement = ">= 0.9"
box_iou = ">= 0.9"
token_agreement = ">= 0.9"
perplexity = "<= 20.5"
accuracy = ">= 0.9"
f1 = ">= 0.9"
"python:tools.metrics:overlap" = ">= -1.5"
"python:metrics:phone_errors" = "<= 0.1"
[models.b]
source = "b.onnx"
""",
    "folder_of_pictures": MODEL
    + """\
[models.a.golden]
samples = "photos/"
[models.a.golden.preprocess]
kind = "image"
size = [256]
crop = [224, 224]
range = [-1, 1.0]
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
layout = "nchw"
color = "bgr"
resample = "bicubic"
""",
    "folder_of_pictures_with_a_config": MODEL
    + 'golden = { samples = "photos/", preprocess = { kind = "image", config = "p.json" } }',
    "folder_of_recordings": MODEL
    + """\
[models.a.golden]
samples = "speech/"
preprocess = { kind = "audio", sample_rate = 16000, frame = 512, context = 64, constants = { sr = 16000 } }
""",
    "folder_of_bytes": MODEL
    + """\
[models.a.golden]
samples = "files/"
preprocess = { kind = "raw", first = 1024, last = 1024, padding = 256, strip = true, block = 4096 }
""",
}
