"""The close of a Beijing day: every CDR of it, rated, attributed to its order, and summed.

A close is a version with the hash of what it says. Closing again with the same facts changes nothing, new
facts make the next version, and nothing is ever edited: a close can be repeated after any crash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from privatenumber.billing.closing.lines import (
    CallLine,
    CallTotals,
    count_flags,
    fact_address,
    line_of,
    read_line,
    sum_totals,
    totals_of,
)
from privatenumber.billing.rating.calls import Charge, Flag, charged_number, rate_call
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.closes import CloseStore
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.facts import FactStore
from privatenumber.store.numbers import NumberType
from privatenumber.store.orders import OrderStore
from privatenumber.store.versions import Version, content_hash, settle

Attribution: TypeAlias = Callable[[CdrFact], tuple[str | None, str | None]]
"""Order and binding of a CDR, or ``(None, None)``."""


@dataclass(frozen=True, slots=True)
class DayClose:
    """A closed day of one application: the lines in order of usage time, and their sums."""

    application: str
    day: date
    lines: tuple[CallLine, ...]
    totals: CallTotals

    def document(self) -> dict[str, Any]:
        """The head of the close as JSON."""
        return {
            "kind": "day_close",
            "application": self.application,
            "day": self.day.isoformat(),
            "records": len(self.lines),
            "totals": self.totals.document(),
            "flags": count_flags(self.lines),
        }

    def hash(self) -> str:
        """The hash under which the close is or would be stored."""
        return content_hash(self.document(), [line.document() for line in self.lines])


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """A close together with the version under which it is stored."""

    close: DayClose
    version: Version


def close_day(
    application: str,
    day: date,
    facts: Iterable[CdrFact],
    contradictions: Iterable[CdrFact] = (),
    *,
    attribution: Attribution,
    prices: PriceBook,
    inventory: Mapping[str, NumberType],
) -> DayClose:
    """Close a day from its CDRs, in whatever order they come. Pure.

    A CDR whose icid another one of the day has already used, and every record among `contradictions` (same
    key as a stored CDR, other content), is kept as a line of 0 minutes flagged ``record_conflict``.
    """
    rated, repeated = _first_of_each_id(facts)
    sessions = Counter(fact.session for fact in rated if fact.session)
    shared = {session for session, records in sessions.items() if records > 1}
    lines = [
        _rated_line(fact, attribution, prices, inventory, shared=fact.session in shared) for fact in rated
    ]
    lines += [_conflict_line(fact, attribution, inventory) for fact in (*repeated, *contradictions)]
    lines.sort(key=lambda line: (line.at, line.fact))
    return DayClose(application, day, tuple(lines), sum_totals(map(totals_of, lines)))


class DayCloser:
    """Closes days of one account against the tables."""

    def __init__(
        self,
        facts: FactStore,
        closes: CloseStore,
        orders: OrderStore,
        prices: PriceBook,
        inventory: Mapping[str, NumberType],
    ) -> None:
        self._facts = facts
        self._closes = closes
        self._orders = orders
        self._prices = prices
        self._inventory = inventory

    def rate(self, application: str, day: date) -> tuple[DayClose, Version | None]:
        """A day as its facts stand now, and the latest stored close; writes nothing."""
        # Read first: whoever adds a version after this makes our own attempt fail instead of winning over it.
        seen = self._closes.latest(application, day)
        close = close_day(
            application,
            day,
            self._facts.cdrs_of_day(application, day),
            self._facts.variants_of_day(application, day),
            attribution=self._attribution(application, seen),
            prices=self._prices,
            inventory=self._inventory,
        )
        return close, seen

    def close(self, application: str, day: date, *, now: datetime) -> ClosedDay:
        """Close a day and store it, unless what is stored says the same. Raises VersionTaken (contention)."""

        def attempt() -> ClosedDay:
            close, seen = self.rate(application, day)
            lines = [line.document() for line in close.lines]
            version = self._closes.add(application, day, close.document(), lines, seen=seen, made_at=now)
            return ClosedDay(close, version)

        return settle(attempt)

    def _attribution(self, application: str, seen: Version | None) -> Attribution:
        # Bindings are forgotten one day, bills are not: an order once found stays with its record.
        lines = map(read_line, self._closes.lines(seen)) if seen and seen.lines else ()
        kept = {line.fact: (line.order, line.binding) for line in lines if line.order is not None}

        def attribute(fact: CdrFact) -> tuple[str | None, str | None]:
            known = kept.get(fact_address(fact))
            if known is not None or fact.subscription_id is None:
                return known or (None, None)
            found = self._orders.find(application, fact.subscription_id)
            return (found.order, found.binding_id) if found else (None, None)

        return attribute


def _first_of_each_id(facts: Iterable[CdrFact]) -> tuple[Sequence[CdrFact], Sequence[CdrFact]]:
    """CDRs to be rated and CDRs whose icid came earlier; earliest receipt wins, whatever the order given."""
    rated: list[CdrFact] = []
    repeated: list[CdrFact] = []
    used: set[str] = set()
    for fact in sorted(facts, key=lambda fact: (fact.received_at, fact.key)):
        if fact.icid is not None and fact.icid in used:
            repeated.append(fact)
            continue
        if fact.icid is not None:
            used.add(fact.icid)
        rated.append(fact)
    return rated, repeated


def _rated_line(
    fact: CdrFact,
    attribution: Attribution,
    prices: PriceBook,
    inventory: Mapping[str, NumberType],
    *,
    shared: bool,
) -> CallLine:
    charge = rate_call(fact, prices, inventory)
    if shared:
        charge = replace(charge, flags=(*charge.flags, Flag.SAME_SESSION))
    order, binding = attribution(fact)
    return line_of(fact, charge, order=order, binding=binding)


def _conflict_line(fact: CdrFact, attribution: Attribution, inventory: Mapping[str, NumberType]) -> CallLine:
    x, number_type, _ = charged_number(fact.display_x, fact.x, inventory)
    nothing = Charge(
        x=x,
        number_type=number_type,
        leg=None,
        connected=fact.answered_at is not None,
        talk_seconds=0,
        minutes=0,
        unit_price=None,
        amount=Decimal(0),
        flags=(Flag.RECORD_CONFLICT,),
    )
    order, binding = attribution(fact)
    return line_of(fact, nothing, order=order, binding=binding)
