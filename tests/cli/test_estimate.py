from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.cli import ROOT, modelpack
from tests.support.estimates import compare
from tests.support.projects import Project

DIGITS = """\
[output]
host = "nginx"
compression = "smallest"
[models.digits]
source = "models/digits.onnx"
[models.digits.golden]
samples = "golden/digits.npz"
metrics = { cosine = ">= 0.999" }
[models.digits.variants]
fp32 = {}
fp16 = {}
q8 = {}
q8-gpu = { dtype = "q8", device = "webgpu" }
q4 = {}
entropy = { dtype = "q8", shape = "entropy" }
"""


def test_estimate_says_bytes_in_each_encoding_and_a_band(project: Project) -> None:
    answer = modelpack("estimate", "-C", project.folder)
    assert answer.code == 0
    head, *rows = answer.out.splitlines()
    assert head.split() == [
        *("model", "variant", "raw", "gzip", "zstd", "br", "download", "1", "-", "cosine"),
    ]
    assert [row.split()[0] for row in rows[:3]] == ["words", "fp32", "faces"]
    assert "note faces: what is lost is foretold on made-up inputs" in answer.out
    assert not project.output.exists()


def test_estimate_of_one_variant_as_json(project: Project) -> None:
    answer = modelpack("estimate", "words@q8", "--json", "-C", project.folder)
    assert answer.code == 0
    (row,) = json.loads(answer.out)["variants"]
    assert (row["model"], row["variant"], row["dtype"], row["device"]) == (
        *("words", "q8", "q8", "wasm"),
    )
    assert row["budgetBytes"] == 40_000
    assert row["leastCosine"] == 0.99
    assert row["downloadBytes"] == min(row["bytes"][form] for form in ("raw", "gzip", "zstd"))


def test_estimate_of_a_budget_that_will_not_hold_says_so(project: Project) -> None:
    project.edit('download = "40 kB"', 'download = "2 kB"')
    assert "over budget (2.00 kB)" in modelpack("estimate", "words", "-C", project.folder).out


@pytest.mark.slow
def test_estimate_of_digits_is_near_what_a_build_gives(tmp_path: Path) -> None:
    for folder in ("models", "golden"):
        shutil.copytree(ROOT / "examples" / "digits" / folder, tmp_path / folder)
    (tmp_path / "modelpack.toml").write_text(DIGITS)
    (tmp_path / ".git").mkdir()
    estimated = modelpack("estimate", "--json", "-C", tmp_path)
    assert estimated.code == 0
    assert modelpack("build", "-C", tmp_path).code == 0
    manifest = tmp_path / "public" / "models" / "manifest.json"
    found = compare(estimated.out, manifest, tmp_path / "modelpack.stats.json")
    assert len(found) == 6
    for name, one in found.items():
        assert one.is_inside, (name, one)
        # docs/figures-variants.md: plain recipes within 15 %, shaped ones within 50 %.
        tolerance = 0.5 if "entropy" in name else 0.15
        assert one.ratios == pytest.approx(dict.fromkeys(one.ratios, 1.0), abs=tolerance), name
