"""Configurations that are refused, each under the name of what it shows."""

from __future__ import annotations

from tests.config.good_documents import MODEL

BAD = {
    "no_models": "",
    "empty_models": "[models]",
    "unknown_top_key": MODEL
    + """\
[ouput]
host = "npm"
""",
    "unknown_model_key": MODEL + 'quantise = "q8"',
    "near_model_key": MODEL + 'sorce = "b.onnx"',
    "key_of_a_later_version": MODEL
    + """\
[output]
public_path = "./"
""",
    "runtime_of_another_kind": MODEL
    + """\
[runtime]
package = "onnxruntime-node"
""",
    "runtime_without_package": MODEL
    + """\
[runtime]
pack = true
""",
    "budget_for_an_unknown_device": MODEL + 'budget = { latency_p95 = { tpu = "60 ms" } }',
    "accuracy_better_than_the_baseline": MODEL
    + 'golden = { samples = "g.npz", metrics = { cosine = ">= baseline + 0.1" } }',
    "budget_for_no_device": MODEL + "budget = { memory = {} }",
    "budget_in_the_unit_of_another": MODEL + 'budget = { memory = "60 ms" }',
    "dotted_id_without_quotes": """\
[models.t5.encoder]
source = "encoder.onnx"
""",
    "missing_source": """\
[models.a]
load = "lazy"
""",
    "source_in_defaults": """\
[defaults]
source = "a.onnx"
"""
    + MODEL,
    "source_is_a_number": """\
[models.a]
source = 7""",
    "source_of_the_hub": """\
[models.a]
source = "hf:org/repo"
""",
    "source_of_a_host": """\
[models.a]
source = "ftp://example.com/a.onnx"
""",
    "source_is_a_function": """\
[models.a]
source = "python:module"
""",
    "source_npm_without_path": """\
[models.a]
source = "npm:@scope/package"
""",
    "source_npm_climbs": """\
[models.a]
source = "npm:package/../../secret"
""",
    "source_py_without_path": """\
[models.a]
source = "py:package"
""",
    "source_absolute": """\
[models.a]
source = "/models/a.onnx"
""",
    "source_on_a_drive": """\
[models.a]
source = "C:/models/a.onnx"
""",
    "source_at_home": """\
[models.a]
source = "~/a.onnx"
""",
    "source_with_backslashes": r"""[models.a]
source = 'models\a.onnx'""",
    "source_empty": """\
[models.a]
source = ""
""",
    "source_with_a_line_feed": r"""[models.a]
source = "a\nb.onnx"
""",
    "source_from_the_environment": """\
[models.a]
source = "${env:MODEL}"
""",
    "source_outside_the_workspace": """\
[models.a]
source = "../../a.onnx"
""",
    "model_is_a_text": """\
[models]
a = "a.onnx"
""",
    "model_id_upper_case": """\
[models.Bert]
source = "a.onnx"
""",
    "model_id_escapes": """\
[models."../a"]
source = "a.onnx"
""",
    "model_id_with_escape_codes": r"""[models."a\u001b[31m"]
source = "a.onnx"
""",
    "budget_unknown_unit": MODEL + 'budget.download = "4 XB"',
    "budget_is_a_number": MODEL + "budget.download = 4000000",
    "budget_is_nan": MODEL + "budget.download = nan",
    "budget_chunks_infinite": MODEL + "budget.chunks = inf",
    "budget_chunks_negative": MODEL + "budget.chunks = -1",
    "budget_chunks_is_true": MODEL + "budget.chunks = true",
    "budget_negative": MODEL + 'budget.download = "-1 MB"',
    "budget_zero": MODEL + 'budget.size = "0 MB"',
    "budget_too_large_to_count": MODEL + 'budget.size = "999999999999999 TiB"',
    "budget_hints_unknown": MODEL + 'budget.hints = "warn"',
    "chunk_size_too_small": MODEL + 'chunk_size = "1 KiB"',
    "chunk_size_too_large": MODEL + 'chunk_size = "17 MiB"',
    "cache_age_without_unit": MODEL
    + """\
[cache]
max_age = "60"
""",
    "cache_age_zero": MODEL
    + """\
[cache]
max_age = "0 d"
""",
    "host_unknown": MODEL
    + """\
[output]
host = "netlfy"
""",
    "host_file_true": MODEL
    + """\
[output]
host_file = true
""",
    "host_is_a_date": MODEL
    + """\
[output]
host = 2026-01-01""",
    "public_path_of_a_later_version": MODEL
    + """\
[output]
public_path = "./"
""",
    "compression_unknown": MODEL
    + """\
[output]
compression = "brotli"
""",
    "types_of_another_kind": MODEL
    + """\
[output]
types = "src/models.ts"
""",
    "keep_generations_fraction": MODEL
    + """\
[output]
keep_generations = 0.5""",
    "output_holds_the_configuration": MODEL
    + """\
[output]
path = "."
""",
    "output_above_the_configuration": MODEL
    + """\
[output]
path = ".."
""",
    "output_holds_the_cache": MODEL
    + """\
[output]
path = "public"
[cache]
directory = "public/cache"
""",
    "cache_holds_the_configuration": MODEL
    + """\
[cache]
directory = "."
[output]
path="../public"
""",
    "outputs_empty": MODEL + "outputs = []",
    "outputs_twice": MODEL + 'outputs = ["x", "x"]',
    "dimension_zero": MODEL + "free_dimensions = { batch = 0 }",
    "dimension_is_a_text": MODEL + 'free_dimensions = { batch = "1" }',
    "state_without_output": MODEL + 'state = [{ input = "h" }]',
    "state_carried_twice": MODEL
    + 'state = [{ input = "h", output = "x" }, { input = "h", output = "y" }]',
    "state_shaken_off": MODEL
    + """\
outputs = ["y"]
state = [{ input = "h", output = "hn" }]""",
    "source_over_plain_http": '[models.a]\nsource = "http://example.com/a.onnx"',
    "source_with_a_password": '[models.a]\nsource = "https://me:secret@example.com/a.onnx"',
    "source_with_a_fragment": '[models.a]\nsource = "https://example.com/a.onnx#b"',
    "source_of_a_host_alone": '[models.a]\nsource = "https://example.com"',
    "sha256_too_short": '[models.a]\nsource = "https://example.com/a.onnx"\nsha256 = "00"',
    "mirror_of_another_kind": """\
[models.a]
source = "https://example.com/a.onnx"
mirrors = ["npm:pack/a.onnx"]""",
    "sha256_of_a_path": MODEL + f'sha256 = "{"0" * 64}"',
    "mirrors_of_a_path": MODEL + 'mirrors = ["https://example.com/a.onnx"]',
    "task_upper_case": MODEL + 'task = "Feature-Extraction"',
    "opset_too_old": MODEL + "opset = 12",
    "atol_is_zero": MODEL + "atol = 0",
    "atol_is_nan": MODEL + "atol = nan",
    "atol_is_a_text": MODEL + 'atol = "1e-4"',
    "library_of_a_later_version": MODEL + 'library = "diffusers"',
    "asset_name_upper_case": MODEL + 'assets = { README = "readme.txt" }',
    "pass_unknown": MODEL + 'passes = ["prune"]',
    "pass_with_settings": MODEL + 'passes = [{ use = "prune" }]',
    "load_is_true": MODEL + "load = true",
    "golden_without_samples": MODEL + 'golden = { metrics = { cosine = ">= 0.9" } }',
    "golden_text_without_tokenizer": MODEL + 'golden = { samples = "g.jsonl" }',
    "golden_tokenizer_without_text": MODEL + 'golden = { samples = "g.npz", tokenizer = "t.json" }',
    "golden_of_another_kind": MODEL + 'golden = { samples = "g.csv" }',
    "metric_in_the_wrong_direction": MODEL
    + 'golden = { samples = "g.npz", metrics = { cosine = "<= 0.99" } }',
    "metric_above_one": MODEL
    + 'golden = { samples = "g.npz", metrics = { top1_agreement = ">= 97" } }',
    "metric_negative": MODEL
    + 'golden = { samples = "g.npz", metrics = { max_abs_error = "<= -1" } }',
    "metric_nan": MODEL + 'golden = { samples = "g.npz", metrics = { max_abs_error = "<= nan" } }',
    "metric_is_a_number": MODEL + 'golden = { samples = "g.npz", metrics = { cosine = 0.99 } }',
    "variants_empty": MODEL + "variants = {}",
    "variant_without_dtype": MODEL + "variants.small = {}",
    "variant_dtype_that_loses_too_much": MODEL + "variants.q2 = {}",
    "variant_dtype_of_one_bit": MODEL + 'variants.tiny = { dtype = "q1" }',
    "variant_of_halves_on_wasm": MODEL + 'variants.q4f16 = { device = "wasm" }',
    "variant_dtype_unknown": MODEL + 'variants.tiny = { dtype = "fp32x" }',
    "variant_device_unknown": MODEL + 'variants.q8 = { device = "npu" }',
    "variant_part_in_bnb4_on_webnn": MODEL
    + 'variants.q4 = { device = "webnn", output_dtype = "bnb4", overrides = { "/a/*" = "bnb4" } }',
    "variant_integers_on_webgpu": MODEL
    + 'variants.q8 = { device = "webgpu", activations = "dynamic" }',
    "variant_static_without_golden": MODEL + 'variants.q8 = { activations = "static" }',
    "variant_static_on_webgpu": MODEL
    + """\
golden = { samples = "g.npz" }
variants.q8 = { activations = "static", device = "webgpu" }
""",
    "variant_calibration_of_dynamic": MODEL
    + 'variants.q8 = { activation_type = "int16", calibrate_method = "entropy" }',
    "variant_calibration_by_chance": MODEL + 'variants.q8 = { calibrate_method = "mse" }',
    "variant_bnb4_on_webnn": MODEL + 'variants.bnb4 = { device = "webnn" }',
    "variant_dynamic_on_webnn": MODEL
    + 'variants.q8 = { device = "webnn", activations = "dynamic" }',
    "variant_static_in_16_bits_on_webnn": MODEL
    + """\
golden = { samples = "g.npz" }
variants.q8 = { activations = "static", activation_type = "int16", device = "webnn" }
""",
    "budget_that_nothing_measures": MODEL
    + """\
budget = { latency_p50 = "40 ms", memory = { wasm = "180 MB", webnn = "+10%" } }
variants.q8 = { device = "webnn", budget = { first_inference = "1 s" } }
""",
    "variant_activations_for_q4": MODEL + 'variants.q4 = { activations = "float" }',
    "variant_activations_unknown": MODEL + 'variants.q8 = { activations = "int4" }',
    "variant_symmetric_for_bnb4": MODEL + "variants.bnb4 = { symmetric = false }",
    "variant_per_channel_for_fp16": MODEL + "variants.fp16 = { per_channel = false }",
    "variant_per_channel_is_a_text": MODEL + 'variants.q8 = { per_channel = "no" }',
    "variant_embeddings_for_fp32": MODEL + 'variants.fp32 = { embedding_dtype = "q8" }',
    "variant_embeddings_of_two_bits": MODEL + 'variants.q8 = { embedding_dtype = "q2" }',
    "variant_overrides_empty": MODEL + "variants.q8 = { overrides = {} }",
    "variant_override_unknown": MODEL + 'variants.q8 = { overrides = { "/a" = "q3" } }',
    "variant_override_without_dtype": MODEL
    + 'variants.q8 = { overrides = { "/a" = { block_size = 16 } } }',
    "variant_override_block_size_odd": MODEL
    + 'variants.q8 = { overrides = { "/a" = { dtype = "q4", block_size = 17 } } }',
    "variant_overrides_of_a_search": MODEL
    + """\
golden = { samples = "g.npz", metrics = { cosine = ">= 0.9" } }
variants.auto = { overrides = { "/a" = "q4" } }
""",
    "variant_fp16_on_wasm": MODEL + 'variants.fp16 = { device = "wasm" }',
    "variant_block_size_odd": MODEL + "variants.q4 = { block_size = 33 }",
    "variant_block_size_for_q8": MODEL + "variants.q8 = { block_size = 32 }",
    "variant_block_size_twice": MODEL + "variants.q4 = { block_size = 32, group_size = 32 }",
    "variant_accepts_fallback_of_wasm": MODEL
    + 'variants.q8 = { accept_fallback = { If = "once" } }',
    "variant_excludes_from_fp32": MODEL + 'variants.fp32 = { nodes_to_exclude = ["/a/*"] }',
    "variant_shape_for_q4": MODEL
    + 'variants.q4 = { shape = "entropy" }\ngolden = { samples = "g.npz", metrics = { cosine = ">= 0.9" } }',
    "variant_shape_without_golden": MODEL + 'variants.q8 = { shape = "entropy" }',
    "variant_shape_without_metrics": MODEL
    + 'variants.q8 = { shape = "entropy" }\ngolden = { samples = "g.npz" }',
    "variant_shape_that_follows_the_baseline": MODEL
    + 'variants.q8 = { shape = "entropy" }\ngolden = { samples = "g.npz", metrics = { cosine = ">= baseline" } }',
    "variant_auto_without_golden": MODEL + "variants.auto = {}",
    "variant_objective_without_search": MODEL + 'variants.q8 = { objective = "latency" }',
    "variant_shape_unknown": MODEL + 'variants.q8 = { shape = "round" }',
    "variant_is_a_text": MODEL + 'variants.q8 = "wasm"',
    "faults_of_four_kinds": """\
[models.a]
loaf = "lazy"
budget.chunks = 0
[output]
hots = "npm"
""",
    "growth_too_long": MODEL + 'budget.download = "+20000%"',
    "growth_without_sign": MODEL + 'budget.download = "2%"',
    "share_above_one": MODEL + 'budget.update = "101%"',
    "share_without_sign": MODEL + 'budget.update = "0.25"',
    "network_that_is_not_there": MODEL
    + """\
budget.load_time = { fast3g = "14 s" }
[networks]
fast4g = { bandwidth = "9 Mbit/s", latency = "165 ms" }
""",
    "network_in_bytes": MODEL
    + """\
[networks]
fast4g = { bandwidth = "9 MB/s", latency = "165 ms" }
""",
    "network_of_nothing": MODEL
    + """\
[networks]
fast4g = { bandwidth = "0 Mbit/s", latency = "165 ms" }
""",
    "network_without_latency": MODEL
    + """\
[networks]
fast4g = { bandwidth = "9 Mbit/s" }
""",
    "reference_to_itself": MODEL + 'golden = { samples = "g.npz", reference = "a" }',
    "reference_to_nobody": MODEL
    + """\
golden = { samples = "g.npz", reference = "teachr" }
[models.teacher]
source = "t.onnx"
""",
    "accuracy_without_labels": MODEL
    + 'golden = { samples = "g.npz", metrics = { accuracy = ">= 0.9", f1 = ">= 0.9" } }',
    "function_without_a_name": MODEL
    + """golden = { samples = "g.npz", metrics = { "python:metrics" = ">= 0.9" } }""",
    "function_without_a_direction": MODEL
    + """golden = { samples = "g.npz", metrics = { "python:metrics:f" = "0.9" } }""",
    "unknown_metric": MODEL + 'golden = { samples = "g.npz", metrics = { cosin = ">= 0.9" } }',
    "folder_without_preprocess": MODEL + 'golden = { samples = "golden/photos/" }',
    "preprocess_of_a_file": MODEL
    + 'golden = { samples = "g.npz", preprocess = { kind = "image" } }',
    "preprocess_without_kind": MODEL + 'golden = { samples = "g/", preprocess = { first = 3 } }',
    "preprocess_of_another_kind": MODEL
    + 'golden = { samples = "g/", preprocess = { kind = "raw", mean = [0.5], frame = 512 } }',
    "preprocess_twice": MODEL
    + """\
[models.a.golden]
samples = "g/"
preprocess = { kind = "image", config = "p.json", mean = [0.5], size = [224] }
""",
    "preprocess_of_wrong_numbers": MODEL
    + """\
[models.a.golden]
samples = "g/"
preprocess = { kind = "image", size = [2.5], crop = [3], mean = [nan], std = [0], range = ["a", 1] }
""",
    "strip_is_a_word": MODEL
    + 'golden = { samples = "g/", preprocess = { kind = "raw", strip = "yes" } }',
}

# What JSON Schema cannot express.
READER_ONLY = {
    # 1. where a path leads
    "source_outside_the_workspace",
    "output_holds_the_configuration",
    "output_above_the_configuration",
    "output_holds_the_cache",
    "cache_holds_the_configuration",
    # 2. bounds of sizes and durations
    "budget_zero",
    "budget_too_large_to_count",
    "chunk_size_too_small",
    "chunk_size_too_large",
    "cache_age_zero",
    "share_above_one",
    "network_of_nothing",
    # 3. settings that contradict each other
    "state_carried_twice",
    "state_shaken_off",
    "golden_tokenizer_without_text",
    "variant_dtype_that_loses_too_much",
    "variant_of_halves_on_wasm",
    "atol_is_nan",
    "sha256_of_a_path",
    "mirrors_of_a_path",
    "variant_fp16_on_wasm",
    "variant_part_in_bnb4_on_webnn",
    "variant_integers_on_webgpu",
    "variant_activations_for_q4",
    "variant_bnb4_on_webnn",
    "variant_dynamic_on_webnn",
    "variant_static_in_16_bits_on_webnn",
    "variant_static_without_golden",
    "variant_static_on_webgpu",
    "variant_calibration_of_dynamic",
    "variant_symmetric_for_bnb4",
    "variant_per_channel_for_fp16",
    "variant_embeddings_for_fp32",
    "variant_overrides_of_a_search",
    "variant_block_size_for_q8",
    "variant_block_size_twice",
    "variant_accepts_fallback_of_wasm",
    "variant_excludes_from_fp32",
    "network_that_is_not_there",
    "budget_that_nothing_measures",
    "reference_to_itself",
    "reference_to_nobody",
    "preprocess_of_a_file",
    "preprocess_of_another_kind",
    "preprocess_twice",
    "variant_shape_for_q4",
    "variant_shape_that_follows_the_baseline",
    "variant_shape_without_golden",
    "variant_shape_without_metrics",
    "variant_auto_without_golden",
    "variant_objective_without_search",
    # 4. keys that are needed only beside others, or that the defaults may give
    "golden_without_samples",
    "golden_text_without_tokenizer",
    "accuracy_without_labels",
    "folder_without_preprocess",
    "variant_without_dtype",
}
