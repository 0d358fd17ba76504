"""Percentiles of delays out of counts alone, so that hours become days without a single delay being kept.

A delay in milliseconds falls into a bucket that is at most 1/16 of itself wide; buckets of any parts add up.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_STEPS: Final = 16
_BITS: Final = 4


def bucket_of(milliseconds: int) -> int:
    """The bucket of a delay ≥ 0; up to 31 ms each has its own."""
    shift = max(0, milliseconds.bit_length() - _BITS - 1)
    return _STEPS * shift + (milliseconds >> shift)


def longest_in(bucket: int) -> int:
    """The longest delay, in milliseconds, that falls into a bucket."""
    shift = max(0, bucket // _STEPS - 1)
    return ((bucket - _STEPS * shift + 1) << shift) - 1


def percentile(counts: Mapping[int, int], percent: int) -> int | None:
    """A delay that ``percent`` of all do not exceed, as the upper end of its bucket; None without any."""
    wanted = -(-sum(counts.values()) * percent // 100)
    reached = 0
    for bucket in sorted(counts):
        reached += counts[bucket]
        if reached >= max(wanted, 1):
            return longest_in(bucket)
    return None
