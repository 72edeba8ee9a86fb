from __future__ import annotations

import json
import re

import msgspec
import pytest

from modelpack.picture import Commit, Picture, VariantPicture
from modelpack.record import EvaluatedSamples, MetricValue, SampleFigures, TensorBytes
from modelpack.report.html import report_html
from modelpack.report.html_data import page_data
from modelpack.report.metrics import metric_meaning
from modelpack.spec.limits import Network
from tests.support.checks import mixed_check, published
from tests.support.runs import MACHINE, run

HOSTILE = "</script><script>alert(1)</script>"


def variant(name: str) -> VariantPicture:
    return VariantPicture(
        model="minilm",
        variant=name,
        group=None,
        tensors=(TensorBytes(HOSTILE, "int8", 5, "/pooler/MatMul", "MatMul"),),
        evaluated=EvaluatedSamples(
            1, (MetricValue("cosine", 0.9, 3, 0.9),), (SampleFigures(3, "", (0.9,)),)
        ),
        texts={3: "a sentence"},
        runs={"here": (run(), run(engine="native", device="cpu", p50_s=0.5))},
        transfers=(("a" * 64, 1_000_000), ("b" * 64, 500_000)),
        networks=(Network("fast4g", 8e6, 0.1),),
    )


def picture() -> Picture:
    history = (Commit("abc1234", "2026-01-02", "First", {"minilm@q8": published(10, 0.9, a=10)}),)
    variants = (variant("q8"), variant("q4"))
    pictures = {"minilm": {3: b"webp"}, "other": {}}
    return Picture("shop", mixed_check(), 4000, variants, {"here": MACHINE}, history, pictures)


def test_page_data_gives_each_variant_what_is_known_of_it() -> None:
    first, second = page_data(picture()).variants
    assert (first.name, first.group, first.native_s) == ("minilm@q8", "@minilm", 0.5)
    assert first.samples.figures[0].text == "a sentence"
    assert (first.holds, second.verdict) == (False, "download not measured")
    assert {limit.quantity for limit in first.limits} >= {"download", "load_time.fast4g"}


def test_page_data_has_pictures_as_addresses_without_a_network() -> None:
    assert page_data(picture()).pictures == {"minilm": {"3": "data:image/webp;base64,d2VicA=="}}


def test_page_data_recommends_threads_where_a_browser_swept_them() -> None:
    swept = (run(), run(threads=2, p50_s=0.01), run(engine="native", device="cpu"))
    one = msgspec.structs.replace(variant("q8"), runs={"here": swept})
    shown = page_data(msgspec.structs.replace(picture(), variants=(one, variant("q4")))).variants
    assert [each.threads for each in shown] == ["2, 2.0 times as fast as 1", ""]


def test_page_data_says_what_each_metric_means() -> None:
    words = page_data(picture()).metrics["cosine"]
    assert (words.less, words.meaning[:46]) == (
        False,
        "how alike the outputs are to the original's: 1",
    )
    assert metric_meaning("python:checks:exact") == "computed by a function of this project"


def test_page_data_draws_the_networks_of_the_limits_first() -> None:
    first = page_data(picture()).variants[0].downloads[0]
    assert (first.network, first.limit) == ("fast4g", 14.0)
    assert first.title == "fast4g (8 Mbit/s, 100 ms)"
    assert [step.label for step in first.steps] == [
        "connect", "manifest", "chunk aaaaaaaa", "chunk bbbbbbbb",
    ]  # fmt: skip
    assert first.steps[-1].ends <= first.seconds
    assert first.seconds == pytest.approx(0.2 + 0.1 + 0.004 + 0.1 + 1.5, abs=1e-9)


def test_page_data_of_history_names_figures_as_budgets_do() -> None:
    (commit,) = page_data(picture()).history
    assert commit.figures == {"minilm@q8": {"download": 10, "size": 20, "cosine": 0.9}}


def test_report_html_holds_everything_and_asks_for_nothing() -> None:
    pytest.importorskip("plotly")
    text = report_html(picture())
    assert "default-src 'none'" in text
    page = text.partition('<script type="application/json" id="data">')
    assert re.findall(r'(?:src|href)="(?!#)', page[0]) == []
    content = page[2].partition("</script>")[0]
    data = json.loads(content)
    assert data["variants"][0]["tensors"][0][0] == HOSTILE
    assert "<" not in content


def test_report_html_is_the_same_for_the_same_picture() -> None:
    pytest.importorskip("plotly")
    assert report_html(picture()) == report_html(picture())
