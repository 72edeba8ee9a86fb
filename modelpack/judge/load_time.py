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

from msgspec import Struct

from modelpack.spec.limits import Network

CONCURRENCY = 6  # the loader's; browsers open no more connections to an HTTP/1.1 host either
_CONNECTION_ROUND_TRIPS = 2


class Transfer(Struct, frozen=True):
    """One answer: when it is asked for, when its first byte arrives, and its last; seconds since the visit began."""

    size_bytes: int
    starts_s: float
    begins_s: float
    ends_s: float


def load_time_s(manifest_bytes: int, chunk_bytes: Sequence[int], network: Network) -> float:
    """The seconds until the last chunk has arrived. Sizes are those on the wire."""
    return max(one.ends_s for one in transfers(manifest_bytes, chunk_bytes, network))


def transfers(
    manifest_bytes: int, chunk_bytes: Sequence[int], network: Network
) -> tuple[Transfer, ...]:
    """The manifest, then each chunk in the order in which it is asked for."""
    bytes_per_s = network.bandwidth_bits_per_s / 8
    connected_s = _CONNECTION_ROUND_TRIPS * network.latency_s
    begins_s = connected_s + network.latency_s
    manifest = Transfer(
        manifest_bytes, connected_s, begins_s, begins_s + manifest_bytes / bytes_per_s
    )
    chunks = _fetch(chunk_bytes, network.latency_s, bytes_per_s)
    return (manifest, *(_later(chunk, manifest.ends_s) for chunk in chunks))


def _later(transfer: Transfer, after_s: float) -> Transfer:
    return Transfer(
        transfer.size_bytes,
        after_s + transfer.starts_s,
        after_s + transfer.begins_s,
        after_s + transfer.ends_s,
    )


def _fetch(
    chunk_bytes: Sequence[int], latency_s: float, bytes_per_s: float
) -> tuple[Transfer, ...]:
    """Goes from event to event: a chunk begins to transfer, or the one with least left arrives."""
    now_s = 0.0
    queue = list(reversed(range(len(chunk_bytes))))
    waiting: list[tuple[float, int]] = []  # when it begins to transfer, and which; earliest first
    left: list[tuple[float, int]] = []  # the bytes of each that transfers, and which; least first
    starts_s, ends_s = [0.0] * len(chunk_bytes), [0.0] * len(chunk_bytes)
    while queue or waiting or left:
        while queue and len(waiting) + len(left) < CONCURRENCY:
            chunk = queue.pop()
            starts_s[chunk] = now_s
            waiting.append((now_s + latency_s, chunk))
        arrives_s = now_s + left[0][0] * len(left) / bytes_per_s if left else math.inf
        if waiting and waiting[0][0] < arrives_s:
            begins_s, chunk = waiting.pop(0)
            moved = (begins_s - now_s) * bytes_per_s / max(1, len(left))
            rest = [(max(0.0, size - moved), other) for size, other in left]
            left = sorted([*rest, (float(chunk_bytes[chunk]), chunk)])
            now_s = begins_s
        else:
            (moved, chunk), *others = left
            left = [(size - moved, other) for size, other in others]
            now_s = ends_s[chunk] = arrives_s
    return tuple(
        Transfer(size, start_s, start_s + latency_s, end_s)
        for size, start_s, end_s in zip(chunk_bytes, starts_s, ends_s, strict=True)
    )
