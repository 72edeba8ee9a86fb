from __future__ import annotations

import pytest

from modelpack.judge.load_time import load_time_s, transfers
from modelpack.spec.limits import Network

# A megabyte a second, and a tenth of a second for a round trip: connection and manifest take 0.3 s before anything.
NETWORK = Network("test", 8_000_000, 0.1)


@pytest.mark.parametrize(
    ("chunk_bytes", "seconds"),
    [
        ([], 0.3),
        ([1_000_000], 0.3 + 0.1 + 1),
        ([1_000_000] * 6, 0.3 + 0.1 + 6),  # all wait together, then share
        (
            [1_000_000] * 12,
            0.3 + 0.1 + 6 + 0.1 + 6,
        ),  # equal ones end together: the next six wait again
        ([100_000] * 6, 0.3 + 0.1 + 0.6),
        ([0] * 12, 0.3 + 0.1 + 0.1),
        # The small one is there after 0.2 s of sharing; its slot is not needed, the large one gets the rest alone.
        ([100_000, 900_000], 0.3 + 0.1 + 1),
        # Six at once: the seventh waits its round trip while five still transfer, and the link is never idle.
        ([10_000] + [1_000_000] * 5 + [10_000], 0.3 + 0.1 + 5.02),
    ],
)
def test_load_time_is_that_of_six_at_once(chunk_bytes: list[int], seconds: float) -> None:
    assert load_time_s(0, chunk_bytes, NETWORK) == pytest.approx(seconds)


def test_load_time_manifest_comes_first() -> None:
    assert load_time_s(500_000, [], NETWORK) == pytest.approx(0.8)


def test_load_time_of_many_chunks_is_bounded_by_requests_or_bytes() -> None:
    tiny = load_time_s(0, [10] * 600, NETWORK)
    assert tiny == pytest.approx(0.3 + 100 * 0.1 + 0.006, rel=1e-3)


def test_transfers_tell_when_each_answer_comes() -> None:
    network = Network("n", 8e6, 0.1)
    manifest, *chunks = transfers(1000, [500_000, 500_000], network)
    assert (manifest.starts_s, manifest.begins_s) == pytest.approx((0.2, 0.3))
    assert [one.starts_s for one in chunks] == pytest.approx([0.301, 0.301])
    # Together they take the whole bandwidth, so that both end when one of their sum would.
    assert [one.ends_s for one in chunks] == pytest.approx([1.401, 1.401])
    assert load_time_s(1000, [500_000, 500_000], network) == pytest.approx(1.401)
