"""What a variant is called by those who measure it: latency and memory are filed under its digest."""

from __future__ import annotations

from collections.abc import Iterable

from modelpack.digest import digest_json


def variant_digest(graph: str, data: Iterable[tuple[str, str]]) -> str:
    """The identity of a variant: the digest of its graph, and path and digest of each data file."""
    return digest_json([["graph", graph], *(["data", path, digest] for path, digest in data)])
