"""Which samples tune a variant and which judge it.

Decided by each sample's content, so that nothing wanders between them when samples are added, removed or reordered.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from modelpack.graph.golden.samples import Sample

# 40 : 20 : 40. Judging gets as much as fitting: an accuracy figure from few samples says little.
_TUNE_FROM = 0.4
_JUDGE_FROM = 0.6


class Split(Struct, frozen=True):
    """The samples for fitting (calibration), for tuning (searches), and for judging, which nothing else may see."""

    fit: tuple[Sample, ...]
    tune: tuple[Sample, ...]
    judge: tuple[Sample, ...]


def split_samples(samples: Sequence[Sample]) -> Split:
    """The samples by digest, each once; equal ones count as one, or they could be on two sides.

    1. The digest's first 32 bits, as a share of 1, choose the part.
    2. If nothing is left to judge, the sample with the largest digest judges.
    3. From three samples on, if nothing is left to tune, the one of the larger part nearest to tuning tunes.
    """
    ordered = [samples_of_digest for _, samples_of_digest in sorted(_distinct(samples).items())]
    first_tune = sum(_share(sample) < _TUNE_FROM for sample in ordered)
    first_judge = sum(_share(sample) < _JUDGE_FROM for sample in ordered)
    first_judge = min(first_judge, len(ordered) - 1)
    first_tune = min(first_tune, first_judge)
    if len(ordered) > 2 and first_tune == first_judge:
        if first_tune > len(ordered) - first_judge:
            first_tune -= 1
        else:
            first_judge += 1
    return Split(
        _in_place(ordered[:first_tune]),
        _in_place(ordered[first_tune:first_judge]),
        _in_place(ordered[first_judge:]),
    )


def _distinct(samples: Sequence[Sample]) -> dict[str, Sample]:
    distinct: dict[str, Sample] = {}
    for sample in samples:
        distinct.setdefault(sample.digest, sample)
    return distinct


def _share(sample: Sample) -> float:
    return int(sample.digest[:8], 16) / 2**32


def _in_place(samples: Sequence[Sample]) -> tuple[Sample, ...]:
    return tuple(sorted(samples, key=lambda sample: sample.position))
