"""How long a first visit takes to download a variant, computed from its chunks as the loader fetches them.

1. A connection: two round trips (TCP, TLS 1.3). Names are resolved already.
2. The manifest: one round trip, then its bytes over the whole bandwidth.
3. The chunks, six at once in the order of the files, as the loader does. Each waits a round trip and then shares the
   bandwidth equally with those that transfer at the same time.

Left out: the slow start of TCP, packet loss, what the server takes, the bytes of headers (some 200 a chunk), decompressing
and hashing (they keep up with 100 Mbit/s), the runtime's wasm, and creating the session.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from modelpack.spec import Network

CONCURRENCY = 6  # the loader's; browsers open no more connections to an HTTP/1.1 host either
_CONNECTION_ROUND_TRIPS = 2


def load_time_s(manifest_bytes: int, chunk_bytes: Sequence[int], network: Network) -> float:
    """The seconds until the last chunk has arrived. Sizes are those on the wire."""
    bytes_per_s = network.bandwidth_bits_per_s / 8
    before_s = (_CONNECTION_ROUND_TRIPS + 1) * network.latency_s + manifest_bytes / bytes_per_s
    return before_s + _fetch_s(chunk_bytes, network.latency_s, bytes_per_s)


def _fetch_s(chunk_bytes: Sequence[int], latency_s: float, bytes_per_s: float) -> float:
    """Goes from event to event: a chunk begins to transfer, or the one with least left arrives."""
    now_s = 0.0
    queue = list(reversed(chunk_bytes))
    waiting: list[
        tuple[float, float]
    ] = []  # when it begins to transfer, and its bytes; earliest first
    left: list[float] = []  # of each that transfers; least first
    while queue or waiting or left:
        while queue and len(waiting) + len(left) < CONCURRENCY:
            waiting.append((now_s + latency_s, float(queue.pop())))
        arrives_s = now_s + left[0] * len(left) / bytes_per_s if left else math.inf
        if waiting and waiting[0][0] < arrives_s:
            begins_s, size_bytes = waiting.pop(0)
            moved = (begins_s - now_s) * bytes_per_s / max(1, len(left))
            left = sorted([*(max(0.0, rest - moved) for rest in left), size_bytes])
            now_s = begins_s
        else:
            moved, *others = left
            left = [rest - moved for rest in others]
            now_s = arrives_s
    return now_s
