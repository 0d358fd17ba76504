"""Who writes a binding or a number, and why: two attributes of the item, which the audit reads.

`by` is the IAM identity of a request, `system:<part>` for a part of ours, or `job:<id>`; `why` is a text of
the person behind it. Neither holds anybody's number (`bindings.references`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SYSTEM: Final = "system"
"""Nobody said who: a tool or a test."""

PUSH: Final = "system:push"
"""The platform's word on a number, taken to the pool."""

SWEEP: Final = "system:sweep"
"""What was due: ends, repetitions, recovery."""

REOPENING: Final = "system:reopening"
"""A call without a binding had what ended a moment ago bound again."""

ERASURE: Final = "erasure:"
"""Begins the author of a binding from which people were erased; the erasure's id follows."""

WATCH: Final = "system:watch"
"""The hourly look at the pools: quarantines begin and end."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, and his reason if he gave one."""

    by: str = SYSTEM
    why: str | None = None


NOBODY: Final = Author()
"""Of tools and tests."""
