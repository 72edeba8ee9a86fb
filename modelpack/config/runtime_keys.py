"""The keys of [runtime]: what runs the models in the page."""

from __future__ import annotations

from modelpack.config.containers import Key, Table
from modelpack.config.fields import Choice, Text
from modelpack.config.flag_field import Flag

RUNTIME_PACKAGE = Key(
    "package",
    Choice(("onnxruntime-web",)),
    "The npm package that runs the models, as installed in node_modules.",
    required=True,
)
PACK = Key(
    "pack",
    Flag(),
    "Publish its WebAssembly like any other file: in chunks that the host takes, compressed, verified by the loader.",
    default=True,
)
RUNTIME_VERSION = Key(
    "version",
    Text('a release such as "1.30.0"'),
    "The release that pages load, such as one from a CDN; without it, the one in node_modules. Builds are checked against what it runs.",
)
RUNTIME = Key(
    "runtime",
    Table("runtime", (RUNTIME_PACKAGE, PACK, RUNTIME_VERSION)),
    "What runs the models in the page.",
)
