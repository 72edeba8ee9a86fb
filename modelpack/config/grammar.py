"""Every key of modelpack.toml: its form, its default, and what it is for. Reader and JSON Schema both follow this.

A key that is not listed here is unknown, and refused.
"""

from __future__ import annotations

from typing import get_args

from modelpack.config.budget_keys import BUDGET
from modelpack.config.compatibility_keys import COMPATIBILITY
from modelpack.config.containers import Key, ListOf, MapOf, Table
from modelpack.config.fields import Choice, Count, Duration, Name, PathField, Size, Text
from modelpack.config.flag_field import PathOrOff
from modelpack.config.limit_fields import Bandwidth
from modelpack.config.metric_keys import METRICS
from modelpack.config.preprocess_keys import PREPROCESS
from modelpack.config.runtime_keys import RUNTIME
from modelpack.config.source_keys import (
    ALLOW_PICKLE,
    DYNAMIC_DIMENSIONS,
    EXPORT_KEYS,
    FILES,
    MIRRORS,
    SHA256,
    SOURCE,
    TRUST_REMOTE_CODE,
)
from modelpack.config.variant_keys import VARIANT
from modelpack.spec.project import Compression, Host, Load
from modelpack.units import KIB, MIB

_MAX_DIMENSION = 2**31 - 1

_NAME = Name()
_GRAPH_NAME = Text("the name of a value in the graph")

# --- [output] ----------------------------------------------------------------------------------------------------

OUTPUT_PATH = Key(
    "path",
    PathField("public/models"),
    "Folder that receives the manifest and the chunks. Bundlers copy public/ as it is.",
    default="public/models",
)
HOST = Key(
    "host",
    Choice[Host](get_args(Host)),
    "What serves the files. It decides how they are compressed and what counts as download.",
    default="static",
)
HOST_FILE = Key(
    "host_file",
    PathOrOff(PathField("public/_headers")),
    "File that tells the host how long to keep what, if it is not where the host looks for it; what is not ours in it stays. false: none.",
)
KEEP_GENERATIONS = Key(
    "keep_generations",
    Count(0, 100),
    "Older packs whose chunks stay, so that pages loaded before a deploy still find them.",
    default=1,
)
TYPES = Key(
    "types",
    PathField("src/models.d.ts", (".d.ts",)),
    "Generated TypeScript: names, inputs, outputs and variants of every model.",
)
COMPRESSION = Key(
    "compression",
    Choice[Compression](get_args(Compression)),
    "balanced: zstd for fp32 and fp16 weights, on which brotli gains little for its time; smallest: brotli 11 for everything; none: as they are.",
    default="balanced",
)
OUTPUT = Key(
    "output",
    Table("output", (OUTPUT_PATH, HOST, HOST_FILE, KEEP_GENERATIONS, TYPES, COMPRESSION)),
    "Where and how the files are published.",
)

# --- [cache] -----------------------------------------------------------------------------------------------------

CACHE_DIRECTORY = Key(
    "directory",
    PathField(".modelpack/cache"),
    "Folder that remembers results; without it, .modelpack/cache at the workspace root.",
)
MAX_SIZE = Key(
    "max_size",
    Size("20 GB"),
    "The oldest results go when the cache grows past this.",
    default="20 GB",
)
MAX_AGE = Key(
    "max_age", Duration("60 d"), "Results not used for this long go first.", default="60 d"
)
CACHE = Key(
    "cache",
    Table("cache", (CACHE_DIRECTORY, MAX_SIZE, MAX_AGE)),
    "Where results are remembered, and when old ones go.",
)

# --- [networks.*] ------------------------------------------------------------------------------------------------

BANDWIDTH = Key("bandwidth", Bandwidth("9 Mbit/s"), "Bits per second, downwards.", required=True)
LATENCY = Key("latency", Duration("165 ms"), "The time of a round trip.", required=True)
NETWORKS = Key(
    "networks",
    MapOf(_NAME, Table("network", (BANDWIDTH, LATENCY))),
    "Networks that budget.load_time may name.",
)

# --- golden set ---------------------------------------------------------------------------------------

SAMPLES = Key(
    "samples",
    PathField("golden/sentences.jsonl", (".npz", ".jsonl", ".safetensors", "/")),
    'Inputs that say what still good enough means: an .npz, .safetensors or .jsonl file (of texts), or a folder such as "golden/photos/".',
)
TOKENIZER = Key(
    "tokenizer",
    PathField("models/tokenizer.json"),
    "The tokenizer.json that samples in .jsonl are read with.",
)
OTHER = Key(
    "other",
    PathField("golden/reviews.jsonl", (".npz", ".jsonl", ".safetensors", "/")),
    "Samples of another domain, read like the others: what variants lose there is reported beside it, and never judged.",
)
LABELS = Key(
    "labels",
    PathField("golden/labels.json", (".json", ".jsonl", ".npz")),
    "The truth for each sample, which accuracy and f1 need.",
)
REFERENCE = Key(
    "reference",
    _NAME,
    "Another model that variants are compared with, in place of the original: the teacher of a distilled model.",
)
GOLDEN = Key(
    "golden",
    Table("golden", (SAMPLES, OTHER, TOKENIZER, PREPROCESS, LABELS, REFERENCE, METRICS)),
    "The golden set: samples and the accuracy every variant must keep on them.",
)

# --- [models.*] and [defaults] -----------------------------------------------------------------------------------

OUTPUTS = Key(
    "outputs",
    ListOf(_GRAPH_NAME),
    "Outputs to keep; everything they do not need is shaken off. Without it, all.",
)
FREE_DIMENSIONS = Key(
    "free_dimensions",
    MapOf(Text("the name of a dimension in the graph"), Count(1, _MAX_DIMENSION)),
    "Fixes symbolic dimensions, such as { batch_size = 1 }.",
)
STATE_INPUT = Key("input", _GRAPH_NAME, "Input that takes the state.", required=True)
STATE_OUTPUT = Key("output", _GRAPH_NAME, "Output that gives the state.", required=True)
STATE = Key(
    "state",
    ListOf(Table("state", (STATE_INPUT, STATE_OUTPUT))),
    "Recurrent or cached state that the page carries from call to call.",
)
ASSETS = Key(
    "assets",
    MapOf(_NAME, PathField("models/tokenizer.json")),
    "Companion files, published beside the model.",
)
LOAD = Key(
    "load",
    Choice[Load](get_args(Load)),
    "When pages fetch the model; becomes preload hints.",
    default="lazy",
)
GROUP = Key("group", _NAME, "Models with the same group are drawn on the same axes of the report.")
PASSES = Key(
    "passes",
    ListOf(Choice(("simplify",)), may_be_empty=True),
    "Graph passes to run; [] runs none.",
    default=["simplify"],
)
CHUNK_SIZE = Key(
    "chunk_size",
    Size("4 MiB", 64 * KIB, 16 * MIB),
    "Large tensors are cut into files of this size, 64 KiB to 16 MiB.",
    default="4 MiB",
)
VARIANTS = Key(
    "variants",
    MapOf(_NAME, VARIANT),
    "One variant is one graph for one device. Without this table: q8, and fp32 where it does not run.",
    default={"q8": {}, "fp32": {}},
)
_SHARED = (
    *EXPORT_KEYS,
    OUTPUTS,
    FREE_DIMENSIONS,
    STATE,
    ASSETS,
    LOAD,
    GROUP,
    PASSES,
    CHUNK_SIZE,
    GOLDEN,
    BUDGET,
    VARIANTS,
)
DEFAULTS = Key(
    "defaults",
    Table("defaults", _SHARED),
    "Any key of a model except source; a model overrides it.",
)
MODELS = Key(
    "models",
    MapOf(
        _NAME,
        Table(
            "model",
            (
                SOURCE,
                SHA256,
                MIRRORS,
                DYNAMIC_DIMENSIONS,
                FILES,
                ALLOW_PICKLE,
                TRUST_REMOTE_CODE,
                *_SHARED,
            ),
        ),
    ),
    "The models, each under its name, such as [models.bert].",
    required=True,
)

PROJECT = Table("project", (OUTPUT, RUNTIME, COMPATIBILITY, CACHE, NETWORKS, DEFAULTS, MODELS))
