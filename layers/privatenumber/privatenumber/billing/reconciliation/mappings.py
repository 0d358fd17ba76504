"""The layouts of all files, and what mappings say of them (billing-rules.md §9.2)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from privatenumber.billing.reconciliation.console_files import NUMBERS, QUOTA, STATS
from privatenumber.billing.reconciliation.layouts import BILL, CALLS, SMS, Layout, LayoutError, mapped

#: Every kind of file, by its name in requests and mappings.
LAYOUTS: Final[Mapping[str, Layout]] = {
    layout.name: layout for layout in (CALLS, SMS, BILL, STATS, QUOTA, NUMBERS)
}


def configured_layouts(text: str) -> Mapping[str, Layout]:
    """The layouts as a deployment has them (`backend.billing.import.<layout>`). Raises LayoutError."""
    try:
        return mapped_layouts(json.loads(text) if text else None)
    except json.JSONDecodeError:
        raise LayoutError("IMPORT_LAYOUTS: JSON is expected") from None


def mapped_layouts(mappings: Any, base: Mapping[str, Layout] = LAYOUTS) -> Mapping[str, Layout]:
    """The layouts of all files with what `mappings`, ``None`` or mappings by layout, say of them.

    Raises LayoutError.
    """
    given = {} if mappings is None else mappings
    if not isinstance(given, dict):
        raise LayoutError("mappings: an object is expected")
    if unknown := set(given) - set(base):
        raise LayoutError(f"mappings: unknown {', '.join(sorted(unknown))}")
    return {name: mapped(layout, given.get(name, {})) for name, layout in base.items()}
