"""The people of a row as an eye may see them; apart from `people`, which knows the platform's pushes."""

from __future__ import annotations

import json
from collections.abc import Mapping

from privatenumber.calls.relations import Unseal
from privatenumber.privacy import SealBroken, mask


def masked(sealed: bytes | None, context: str, unseal: Unseal) -> Mapping[str, str]:
    """The sealed people of a row by role, masked (numbers.md §6); nobody where it does not open."""
    if not sealed:
        return {}
    try:
        numbers: dict[str, str] = json.loads(unseal(sealed, context))
    except SealBroken:
        return {}
    return {role: mask(number) for role, number in numbers.items()}
