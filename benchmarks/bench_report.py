"""Size of the HTML report, and the time to open it, beside a page that holds nothing but Plotly.

    MODELPACK_REAL_MODELS=… MODELPACK_MINILM=… PYTHONPATH=. python benchmarks/bench_report.py [folder of a built project]

Without a folder it builds the six models of `six_models`, or examples/digits where MODELPACK_REAL_MODELS is not set.
Files are opened in turn in headless Chromium, each in a fresh profile, from the disk.
"""

from __future__ import annotations

import os
import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.six_models import write_project
from benchmarks.support import MODELPACK, ROOT, milliseconds, print_table, run, throw_away_project
from modelpack.bench.browsers import choose_browser, started
from modelpack.bench.driver import Driver

ROUNDS = 5
_OPEN = """() => new Promise((resolve) => {
  const look = () => (READY ? resolve() : setTimeout(look, 1));
  look();
})"""
_REPORT_READY = '"ready" in document.documentElement.dataset'
_PLOTLY_READY = "globalThis.Plotly !== undefined"


def main() -> None:
    """Prints both figures of both files."""
    with built_project() as project, started(choose_browser("chromium")) as browser:
        run((*MODELPACK, "report", "--html", "report.html"), project)
        peer = project / "plotly.html"
        peer.write_text(f"<!doctype html><script>{plotly().read_text()}</script>")
        files = {
            "report": (project / "report.html", _REPORT_READY),
            "Plotly alone": (peer, _PLOTLY_READY),
        }
        times: dict[str, list[float]] = {name: [] for name in files}
        for _ in range(ROUNDS + 1):  # the first warms up
            for name, (path, ready) in files.items():
                times[name].append(opening_s(browser, path, ready))
        found = {name: statistics.median(each[1:]) for name, each in times.items()}
        rows = [
            (
                name,
                f"{path.stat().st_size / 1e6:.2f} MB",
                milliseconds(found[name]),
                f"{found['report'] / found[name]:.2f}",
            )
            for name, (path, _) in files.items()
        ]
    print_table("The HTML report", ("file", "size", "opens in", "report ÷ it"), rows)


def opening_s(browser: Driver, path: Path, ready: str) -> float:
    """From asking for the file to a page that can be read and used; charts are drawn as they come into view."""
    began_s = time.perf_counter()
    with browser.page(path.as_uri(), 1) as page:
        page.evaluate(_OPEN.replace("READY", ready))
        return time.perf_counter() - began_s


@contextmanager
def built_project() -> Iterator[Path]:
    """A project that is built."""
    if len(sys.argv) > 1:
        yield Path(sys.argv[1])
        return
    with throw_away_project() as folder:
        if "MODELPACK_REAL_MODELS" in os.environ:
            write_project(folder)
        else:
            shutil.copytree(ROOT / "examples" / "digits", folder, dirs_exist_ok=True)
        run((*MODELPACK, "build", "-q"), folder)
        yield folder


def plotly() -> Path:
    """Plotly's script, as the report holds it."""
    found = find_spec("plotly")
    if found is None or found.origin is None:
        raise SystemExit("pip install 'modelpack[report,browser]'")
    return Path(found.origin).parent / "package_data" / "plotly.min.js"


if __name__ == "__main__":
    main()
