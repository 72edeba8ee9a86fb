"""Error of the computed `load_time`: a first visit's download in Chromium, through a shaped link, against what the report computes.

    PYTHONPATH=. python benchmarks/bench_load_time.py [MODEL@VARIANT …] [-C folder of a built project]

Without arguments: the variants of examples/digits that every browser can run. The link (loader/throttle.mjs) has one bottleneck for all connections,
a round trip, and slow start. The page is open already, so that the connection is not in it: neither measured nor computed.
Needs Node, Chromium and the built loader.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.bench_spread import project
from benchmarks.support import ROOT, print_table
from modelpack.bench.browsers import choose_browser, started
from modelpack.bench.driver import Driver
from modelpack.bench.places import PAGE, find_parts
from modelpack.bench.site import Folders, open_site
from modelpack.config.read import read_project
from modelpack.engine.checking import Standing, read_standing
from modelpack.judge.load_time import transfers
from modelpack.spec.limits import Network

NETWORKS = (
    Network("slow 4G", 1.6e6, 0.15),
    Network("fast 4G", 9e6, 0.165),
    Network("cable", 5e6, 0.028),
)
_LINK = """
const [, script, port, bitsPerSecond, roundTripMs] = process.argv;
const { openLink } = await import(script);
const link = await openLink(Number(port), { bitsPerSecond: Number(bitsPerSecond), roundTripMs: Number(roundTripMs) });
console.log(link.port);
"""
_FETCH = """async ({ model, variant }) => {
  const { preload } = await import("/loader/index.js");
  const began = performance.now();
  await preload({ manifestUrl: "/models/manifest.json", model }, { variant });
  return (performance.now() - began) / 1000;
}"""


class Visits(msgspec.Struct, frozen=True):
    """So many visits over the network, to the site at that port."""

    network: Network
    port: int
    count: int


def main() -> None:
    """Prints a row for each variant and network."""
    parser = argparse.ArgumentParser()
    parser.add_argument("variants", nargs="*", default=["digits@q8", "digits@fp32"])
    parser.add_argument("-C", dest="folder", type=Path)
    parser.add_argument("--visits", type=int, default=3)
    options = parser.parse_args()
    with project(options.folder) as folder, started(choose_browser("chromium")) as browser:
        standing = read_standing(read_project(folder / "modelpack.toml", "production"))
        with site(folder) as port:
            rows = [
                _row(browser, standing, variant, Visits(network, port, options.visits))
                for variant in options.variants
                for network in NETWORKS
            ]
    print_table(
        f"A first download, medians of {options.visits}",
        ("variant", "network", "computed", "measured", "computed ÷ measured"),
        rows,
    )


def _row(browser: Driver, standing: Standing, variant: str, visits: Visits) -> tuple[str, ...]:
    network = visits.network
    sizes = list(standing.published[variant].chunks.values())
    found = transfers(standing.manifest_bytes, sizes, network)
    computed_s = max(one.ends_s for one in found) - found[0].starts_s
    with link(visits.port, network) as throttled:
        times = [_visit_s(browser, throttled, variant) for _ in range(visits.count)]
    measured_s = statistics.median(times)
    ratio = f"{computed_s / measured_s:.2f}"
    return variant, network.name, f"{computed_s:.2f} s", f"{measured_s:.2f} s", ratio


def _visit_s(browser: Driver, port: int, variant: str) -> float:
    model, _, identity = variant.partition("@")
    with browser.page(f"http://127.0.0.1:{port}/", 1) as page:
        return float(str(page.evaluate(_FETCH, {"model": model, "variant": identity})))


@contextmanager
def site(folder: Path) -> Iterator[int]:
    """The port of a site with the project's pack and the loader."""
    parts = find_parts(ROOT)
    served = {"bench": PAGE, "loader": parts.loader, "models": folder / "public" / "models"}
    with (
        tempfile.TemporaryDirectory() as scratch,
        open_site(Folders(served, Path(scratch), Path(scratch))) as origin,
    ):
        yield int(origin.rpartition(":")[2])


@contextmanager
def link(port: int, network: Network) -> Iterator[int]:
    """The port of a link to that port which is as slow as the network."""
    script = (ROOT / "benchmarks" / "loader" / "throttle.mjs").as_uri()
    given = (str(port), f"{network.bandwidth_bits_per_s:.0f}", f"{network.latency_s * 1000:g}")
    command = ("node", "--input-type=module", "-e", _LINK, script, *given)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError(json.dumps(command))
            yield int(process.stdout.readline())
        finally:
            process.terminate()


if __name__ == "__main__":
    main()
