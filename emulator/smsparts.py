"""Into how many parts a text is split on its way (billing-rules.md §4.1); shared with nobody who bills."""

from __future__ import annotations

ENGLISH = (160, 154)
OTHER = (70, 67)
"""Longest single message, and length of the parts of a longer one, in UTF-16 code units."""


def parts_of(text: str) -> int:
    """Return the number of parts of a text; an empty one is one part."""
    single, part = ENGLISH if text.isascii() else OTHER
    length = len(text.encode("utf-16-le", "surrogatepass")) // 2
    return 1 if length <= single else -(-length // part)
