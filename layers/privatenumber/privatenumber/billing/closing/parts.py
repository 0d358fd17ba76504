"""The close of a part: one of the shards of an application's Beijing day, every record of it rated.

A close is a version with the hash of what it says. Closing again with the same facts changes nothing, new
facts make the next version, and nothing is ever edited: a close can be repeated after any crash.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any, TypeAlias

from privatenumber.billing.closing.cells import Cell, cells_of
from privatenumber.billing.closing.lines import Belonging, CallLine, Line, SmsLine, count_flags
from privatenumber.billing.closing.rated_lines import line_of, sms_line_of
from privatenumber.billing.closing.totals import sum_of
from privatenumber.billing.rating.calls import Charge, Flag, charged_number, rate_call, usage_time
from privatenumber.billing.rating.sms import rate_sms
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.settings import Mode
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.numbers import NumberType
from privatenumber.store.sms_rows import SmsFact
from privatenumber.store.versions import content_hash
from privatenumber.times import beijing_day

Attribution: TypeAlias = Callable[[CdrFact | SmsFact, str | None], Belonging]
"""Whose a record is that is charged for this X."""


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One shard of one application's Beijing day."""

    application: str
    day: date
    shard: int


@dataclass(frozen=True)
class Terms:
    """What records are rated with: price lists, the type of every X of the account, and whose records are."""

    prices: PriceBook
    inventory: Mapping[str, NumberType] = field(repr=False)
    attribution: Attribution


@dataclass(frozen=True, slots=True)
class PartFacts:
    """Facts of a part. ``contradictions`` have the key of a stored CDR and other content."""

    cdrs: Iterable[CdrFact] = ()
    contradictions: Iterable[CdrFact] = ()
    texts: Iterable[SmsFact] = ()


@dataclass(frozen=True)
class PartClose:
    """A closed part: its lines in order of usage time, and what they add up to."""

    part: Part
    lines: tuple[Line, ...]
    rules: str = ""
    """The hash of the prices and rules that it was rated with."""

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The lines summed up."""
        return cells_of(self.part.day, self.lines)

    def document(self) -> dict[str, Any]:
        """The head of the close as JSON."""
        return {
            "kind": "part_close",
            "application": self.part.application,
            "day": self.part.day.isoformat(),
            "shard": self.part.shard,
            "rules": self.rules,
            "records": len(self.lines),
            "flags": count_flags(self.lines),
            **sum_of(self.cells).document(),
        }

    def hash(self) -> str:
        """The hash under which the close is or would be stored."""
        return content_hash(self.document(), [line.document() for line in self.lines])


def close_part(part: Part, facts: PartFacts, terms: Terms) -> PartClose:
    """Rate the facts of a part, in whatever order they come. Pure.

    A CDR whose icid another one of the part has already used, and every contradiction, is kept as a line of
    0 minutes flagged ``record_conflict``. CDRs of one call are in one part, so those that share it know.
    """
    cdrs = [fact for fact in facts.cdrs if beijing_day(usage_time(fact, terms.prices.usage_time)) == part.day]
    rated, repeated = _first_of_each_id(cdrs)
    sessions = Counter(fact.session for fact in rated if fact.session)
    lines: list[Line] = [_call_line(fact, terms, shared=sessions[fact.session or ""] > 1) for fact in rated]
    lines += [_conflict_line(fact, terms) for fact in (*repeated, *facts.contradictions)]
    lines += [_sms_line(fact, terms) for fact in facts.texts]
    ordered = tuple(sorted(lines, key=lambda line: (line.at, line.fact)))
    return PartClose(part, ordered, rules_hash(terms.prices, part.day))


def rules_hash(prices: PriceBook, day: date) -> str:
    """Which prices and rules decide the lines of a day: a list that begins later is none of them."""
    return content_hash(prices.rules_of(day), ())


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


def _call_line(fact: CdrFact, terms: Terms, *, shared: bool) -> CallLine:
    x = charged_number(fact.display_x, fact.x, terms.inventory)[0]
    belongs = terms.attribution(fact, x)
    mode = Mode(belongs.mode) if belongs.mode else None
    charge = rate_call(fact, terms.prices, terms.inventory, mode)
    if shared:
        charge = replace(charge, flags=(*charge.flags, Flag.SAME_SESSION))
    return line_of(fact, charge, usage_time(fact, terms.prices.usage_time), belongs)


def _sms_line(fact: SmsFact, terms: Terms) -> SmsLine:
    charge = rate_sms(fact, terms.prices, terms.inventory)
    return sms_line_of(fact, charge, terms.attribution(fact, charge.x))


def _conflict_line(fact: CdrFact, terms: Terms) -> CallLine:
    x, number_type, _ = charged_number(fact.display_x, fact.x, terms.inventory)
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
    return line_of(fact, nothing, usage_time(fact), terms.attribution(fact, x))
