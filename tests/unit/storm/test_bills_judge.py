"""What a month comes to in the storm's eyes, once it is closed and corrected (billing-rules.md §9.4)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from storm.judges.bills import _stated

CALLS = {"item": "call", "rounded": "0.20"}
STATEMENT = {
    "month": "2026-09",
    "state": "closed",
    "calls": {"attempts": 2, "connected": 1, "talk_seconds": 61, "minutes": 2},
    "rent": "5.00",
    "total": "9.53",
    "components": [CALLS, {"item": "rent", "rounded": "5.00"}, {"item": "correction", "rounded": "4.33"}],
}


def answers(correction: Mapping[str, Any]) -> Any:
    """A billing function that has nothing else to say."""

    def run(event: Mapping[str, Any]) -> Mapping[str, Any]:
        assert event == {"action": "correct", "month": "2026-09"}
        return correction

    return run


@pytest.mark.parametrize("state", ["open", "closed"])
def test_corrections_of_other_months_are_none_of_a_months_own(state: str) -> None:
    stated = _stated({**STATEMENT, "state": state}, answers({"changed": False}))
    assert (stated["total"], stated["rent"], stated["attempts"]) == (Decimal("5.20"), Decimal(5), Decimal(2))


def test_a_closed_month_is_what_its_correction_says() -> None:
    after = [CALLS, CALLS, {"item": "rent", "rounded": "5.00"}]
    assert _stated(STATEMENT, answers({"changed": True, "after": after})) == {"total": Decimal("5.40")}
