"""Agreed amounts whose difference a comparison finds no more (billing-rules.md §9.3)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from privatenumber.billing.reconciliation.agreed import AgreedAmount, not_borne_out
from privatenumber.billing.reconciliation.differences import Difference, Kind
from privatenumber.store.disputes import Dispute, DisputeState

NOW = datetime(2026, 10, 5, tzinfo=UTC)
FILES = ("calls", "bill")
MISSING = Difference(
    kind=Kind.MISSING_PUSH,
    cause="missing",
    action="import",
    amount=Decimal("0.20"),
    quantity=Decimal(2),
    application="app",
    x="+86170****0001",
    at=NOW,
    evidence={"import_line": 2},
)


def agreed(
    about: Difference, amount: str = "0.20", number: int = 1, said: Mapping[str, Any] | None = None
) -> AgreedAmount:
    assert about.amount is not None
    dispute = Dispute(
        id=f"2026-09-{number}",
        month="2026-09",
        run="run",
        difference=str(number),
        kind=about.kind.value,
        amount=about.amount,
        said={**about.document(), **(said or {})},
        state=DisputeState.REJECTED,
        opened_at=NOW,
        opened_by="anna",
        changed_at=NOW,
    )
    return AgreedAmount(dispute, Decimal(amount))


def named(found: list[Difference], *amounts: AgreedAmount, files: tuple[str, ...] = FILES) -> list[Any]:
    return [(each.evidence["dispute"], each.amount) for each in not_borne_out(amounts, found, files)]


def test_a_difference_that_another_line_of_another_export_tells_is_the_same_one() -> None:
    other = replace(MISSING, cause="told otherwise", evidence={"import_line": 99, "part": 2})
    assert named([other], agreed(MISSING)) == []


def test_one_difference_bears_out_one_of_two_equal_amounts() -> None:
    two = agreed(MISSING, number=1), agreed(MISSING, number=2)
    assert named([MISSING], *two) == [("2026-09-2", Decimal("-0.20"))]
    assert named([MISSING, MISSING], *two) == []


def test_of_a_part_that_was_given_back_only_the_rest_is_booked_twice() -> None:
    assert named([], agreed(MISSING, "0.05")) == [("2026-09-1", Decimal("-0.05"))]


def test_what_was_taken_back_is_booked_no_more() -> None:
    assert named([], agreed(MISSING, "0.00")) == []


def test_a_difference_of_another_amount_is_another_one() -> None:
    more = replace(MISSING, amount=Decimal("0.30"), quantity=Decimal(3))
    assert named([more], agreed(MISSING)) == [("2026-09-1", Decimal("-0.20"))]


def test_in_what_is_told_as_a_sum_any_of_its_kind_may_be() -> None:
    together = replace(MISSING, x=None, at=None, amount=Decimal(240), evidence={"count": 1200})
    assert named([together], agreed(MISSING)) == []


@pytest.mark.parametrize(
    ("about", "needed"),
    [
        (MISSING, "calls"),
        (MISSING, "bill"),
        (replace(MISSING, evidence={"item": "sms", "import_line": 2}), "sms"),
        (replace(MISSING, kind=Kind.NUMBER_TYPE), "numbers"),
    ],
)
def test_without_the_file_that_would_show_it_nobody_can_say(about: Difference, needed: str) -> None:
    files = ("calls", "bill", "sms", "numbers")
    assert named([], agreed(about), files=tuple(name for name in files if name != needed)) == []
    assert named([], agreed(about), files=files)
