"""The HTML report in a real browser: every chart drawn, nothing thrown, nothing wider than the window."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelpack.bench.browsers import Choice, choose_browser, started
from modelpack.errors import BenchError
from tests.support.cli import modelpack
from tests.support.projects import Project

pytest.importorskip("plotly")
pytestmark = pytest.mark.slow

LOOK = """() => {
  const seen = (id) => !document.getElementById(id).hidden && document.querySelector(`#${id} .main-svg`) !== null;
  const drawn = Object.fromEntries(["size-accuracy", "treemap", "waterfall", "spread"].map((id) => [id, seen(id)]));
  const texts = [...document.querySelectorAll("#variants tbody td:first-child")].map((cell) => cell.textContent);
  return { drawn, texts, excess: document.documentElement.scrollWidth - innerWidth };
}"""
READY = """() => new Promise((resolve) => {
  const look = () => ("ready" in document.documentElement.dataset ? resolve() : setTimeout(look, 50));
  look();
})"""
# Charts are drawn when they come into view.
SCROLL = """async () => {
  for (const section of document.querySelectorAll("section")) {
    section.scrollIntoView();
    await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 50)));
  }
  const charts = ["size-accuracy", "treemap", "waterfall", "spread"];
  const missing = () => charts.some((id) => !document.querySelector(`#${id} .main-svg`));
  while (missing()) await new Promise((resolve) => setTimeout(resolve, 50));
}"""


@pytest.fixture
def chromium() -> Choice:
    try:
        choice = choose_browser("")
    except BenchError as err:
        pytest.skip(str(err))
    return choice


def test_report_draws_its_charts_and_fits_the_window(project: Project, chromium: Choice) -> None:
    assert modelpack("build", "-q", "-C", project.folder).code == 0
    assert modelpack("report", "--html", "report.html", "-C", project.folder).code == 0
    address = Path(project.folder / "report.html").as_uri()
    with started(chromium) as driver, driver.page(address, 1) as page:
        page.evaluate(READY)
        page.evaluate(SCROLL)
        found = page.evaluate(LOOK)
    assert found == {
        "drawn": {"size-accuracy": True, "treemap": True, "waterfall": True, "spread": True},
        "texts": ["words@q8 ★", "words@fp32 ★", "faces@fp16"],
        "excess": 0,
    }
