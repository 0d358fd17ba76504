"""September 2026 of billing-rules.md §8.2 as a statement, made of its calls, texts, numbers and package."""

from __future__ import annotations

from collections.abc import Mapping

from builders.billing import EXAMPLE_PRICES, utc
from builders.closing import parts, stored_days, usage
from builders.example import CALLS, INVENTORY, LAST_CALL, MESSAGES, NUMBERS, PACKAGE
from privatenumber.billing.closing.allocation import Options
from privatenumber.billing.closing.statement import Rules, Statement, build_statement
from privatenumber.billing.rating.packages import Use
from privatenumber.billing.rating.rent import rents_deducted, rents_of_cost_month


def worked_statement(month: str = "2026-09", used: Mapping[str, Use] | None = None) -> Statement:
    """The statement of a month of the example."""
    facts = [call.fact() for call in (*CALLS, LAST_CALL)]
    texts = [fact for told in MESSAGES for fact in told.facts()]
    found = [part for part in parts(facts, texts, inventory=INVENTORY) if f"{part.part.day}"[:7] == month]
    until = utc("2026-12-01 00:00:00")
    return build_statement(
        month,
        stored_days(found),
        usage(found, [PACKAGE], used),
        Rules(EXAMPLE_PRICES, {}, {}, Options()),
        rents=rents_deducted(NUMBERS.values(), month, EXAMPLE_PRICES, until=until),
        cost_month_rents=rents_of_cost_month(NUMBERS.values(), month, EXAMPLE_PRICES),
    )
