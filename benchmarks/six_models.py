"""One project of six real models, with golden sets and every variant that a browser here can run: for the benchmarks of `bench` and of the report.

The four models of MODELPACK_REAL_MODELS, examples/digits, and MiniLM where MODELPACK_MINILM names its export.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from benchmarks.support import ROOT
from tests.support.real_golden import write_labelled_files, write_pictures, write_speech

_FILES = 60
_PICTURES = 12
_SENTENCES = 24  # each takes seconds on an emulated graphics processor

_HEAD = """\
[networks]
fast4g = { bandwidth = "9 Mbit/s", latency = "165 ms" }
"""
_VARIANTS = """\
[models.{model}.variants]
q8 = {{ device = "wasm" }}
fp16 = {{ device = "webgpu" }}
fp32 = {{ device = "wasm" }}
q8gpu = {{ dtype = "q8", device = "webgpu" }}
fp32gpu = {{ dtype = "fp32", device = "webgpu" }}
"""
_DIGITS = """
[models.digits]
source = "models/digits.onnx"
golden = { samples = "golden/digits.npz", metrics = { cosine = ">= 0.999", top1_agreement = ">= 0.99" } }
budget = { download = "220 kB", load_time = { fast4g = "2 s" }, latency_p50 = "20 ms" }
"""
_MAGIKA = """
[models.{model}]
source = "models/{model}.onnx"
group = "file-type"
budget = {{ download = "4 MB", load_time = {{ fast4g = "5 s" }} }}
[models.{model}.golden]
samples = "golden/files/"
labels = "golden/labels.json"
preprocess = {{ kind = "raw", first = 1024, last = 1024, padding = 256, strip = true }}
metrics = {{ cosine = ">= 0.99", accuracy = ">= 0.8" }}
"""
_FACES = """
[models.faces]
source = "models/ultraface.onnx"
budget = { download = "1.5 MB" }
[models.faces.golden]
samples = "golden/photos/"
preprocess = { kind = "image", size = [240, 320], range = [-0.9921875, 1.0], layout = "nchw" }
metrics = { box_iou = ">= 0.8", sqnr = ">= 10" }
"""
_VOICE = """
[models.voice]
source = "models/silero_vad.onnx"
state = [{ input = "state", output = "stateN" }]
budget = { download = "2.5 MB" }
[models.voice.golden]
samples = "golden/speech/"
preprocess = { kind = "audio", frame = 512, context = 64, constants = { sr = 16000 } }
metrics = { cosine = ">= 0.99" }
"""
_MINILM = """
[models.minilm]
source = "models/minilm.onnx"
outputs = ["sentence_embedding"]
budget = { download = "95 MB" }
[models.minilm.golden]
samples = "golden/sentences.jsonl"
tokenizer = "models/tokenizer.json"
metrics = { cosine = ">= 0.96" }
"""


def write_project(folder: Path) -> None:
    """Writes the project. Raises: KeyError if MODELPACK_REAL_MODELS is not set."""
    real = Path(os.environ["MODELPACK_REAL_MODELS"])
    models, golden = folder / "models", folder / "golden"
    models.mkdir(parents=True)
    golden.mkdir()
    parts = [_HEAD, _DIGITS]
    shutil.copyfile(ROOT / "examples/digits/models/digits.onnx", models / "digits.onnx")
    shutil.copyfile(ROOT / "examples/digits/golden/digits.npz", golden / "digits.npz")
    for model in ("magika_v3_2", "magika_v3_3", "ultraface", "silero_vad"):
        shutil.copyfile(real / f"{model}.onnx", models / f"{model}.onnx")
    config = real / "magika_v3_3.config.json"
    write_labelled_files(golden / "files", golden / "labels.json", config, _FILES)
    write_pictures(golden / "photos", _PICTURES)
    write_speech(golden / "speech")
    parts += [_MAGIKA.format(model=model) for model in ("magika_v3_2", "magika_v3_3")]
    parts += [_FACES, _VOICE]
    names = ["digits", "magika_v3_2", "magika_v3_3", "faces", "voice"]
    minilm = os.environ.get("MODELPACK_MINILM")
    if minilm:
        _write_sentences(Path(minilm), folder)
        parts.append(_MINILM)
        names.append("minilm")
    parts += [_VARIANTS.format(model=name) for name in names]
    (folder / "modelpack.toml").write_text("\n".join(parts))
    if not (folder / "node_modules").exists():
        (folder / "node_modules").symlink_to(ROOT / "node_modules")


def _write_sentences(export: Path, folder: Path) -> None:
    shutil.copyfile(export / "model.onnx", folder / "models" / "minilm.onnx")
    shutil.copyfile(export / "tokenizer.json", folder / "models" / "tokenizer.json")
    source = ROOT / "examples" / "sentences" / "golden" / "sentences.jsonl"
    lines = source.read_bytes().splitlines()[: 2 * _SENTENCES]  # two fifths of them are judged
    (folder / "golden" / "sentences.jsonl").write_bytes(b"\n".join(lines) + b"\n")
