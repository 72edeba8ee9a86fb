"""The keys of budgets."""

from __future__ import annotations

from modelpack.config.containers import Key, MapOf, Table
from modelpack.config.fields import Choice, Count, Duration, Name, Size
from modelpack.config.limit_fields import OrGrowth, PerDevice, Share
from modelpack.spec.limits import Hints

DOWNLOAD = Key(
    "download",
    PerDevice(OrGrowth(Size("4 MB"))),
    'Most bytes on the wire on the declared host, after its compression; or, as "+2%", against modelpack.baseline.json; or for each device, such as { wasm = "4 MB" }.',
)
SIZE = Key(
    "size",
    PerDevice(OrGrowth(Size("24 MB"))),
    "Most bytes after decompression; or against the baseline; or for each device.",
)
CHUNKS = Key(
    "chunks",
    PerDevice(OrGrowth(Count(1, 1_000_000))),
    "Most files that are fetched; or against the baseline; or for each device.",
)
ASSETS = Key(
    "assets",
    PerDevice(OrGrowth(Size("1 MB"))),
    "Most bytes on the wire of the model's assets, which a page fetches when it asks for them; or against the baseline; or for each device.",
)
UPDATE = Key(
    "update",
    PerDevice(Share("25%")),
    "Most of its bytes that a returning user fetches again, against modelpack.baseline.json; or for each device.",
)
LOAD_TIME = Key(
    "load_time",
    MapOf(Name(), Duration("14 s")),
    'Longest first download on networks of [networks], such as { fast4g = "14 s" }; computed from the chunks.',
)
MEMORY = Key(
    "memory",
    PerDevice(OrGrowth(Size("180 MB"))),
    "Most memory at the peak, as `modelpack bench` measures it in a browser; or against the baseline; or for each device.",
)
LATENCY_P50 = Key(
    "latency_p50",
    PerDevice(OrGrowth(Duration("40 ms"))),
    "Longest time of half of the inferences in a browser; or against the baseline; or for each device.",
)
LATENCY_P95 = Key(
    "latency_p95",
    PerDevice(OrGrowth(Duration("60 ms"))),
    "Longest time of 95 % of the inferences, likewise.",
)
FIRST_INFERENCE = Key(
    "first_inference",
    PerDevice(OrGrowth(Duration("500 ms"))),
    "Longest time of the first inference after a load, likewise.",
)
HINTS = Key(
    "hints",
    Choice[Hints](("error", "warning")),
    "error: a limit that does not hold fails the build; warning: it is reported.",
    default="error",
)
BUDGET = Key(
    "budget",
    Table(
        "budget",
        (
            DOWNLOAD,
            SIZE,
            CHUNKS,
            ASSETS,
            UPDATE,
            LOAD_TIME,
            MEMORY,
            LATENCY_P50,
            LATENCY_P95,
            FIRST_INFERENCE,
            HINTS,
        ),
    ),
    "Limits for every variant; a variant may override them one by one.",
)
