"""Parts, days and months of facts, closed as they would be stored."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

from builders.billing import EXAMPLE_PRICES, INVENTORY, utc
from privatenumber.billing.closing.allocation import Options
from privatenumber.billing.closing.days import ClosedDay, KeptPart, merge_day
from privatenumber.billing.closing.lines import Belonging, CallLine, Line
from privatenumber.billing.closing.months import MonthUse, merge_month
from privatenumber.billing.closing.parts import Attribution, Part, PartClose, PartFacts, Terms, close_part
from privatenumber.billing.closing.statement import Booked, Rules, Statement, build_statement
from privatenumber.billing.rating.calls import usage_time
from privatenumber.billing.rating.packages import Use, quotas_of
from privatenumber.billing.rating.rent import Rent
from privatenumber.billing.rating.sms import sms_usage_time
from privatenumber.billing.tariff.packages import PackageOrder
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.store.fact_rows import CdrFact, shard_of
from privatenumber.store.numbers import NumberType
from privatenumber.store.sms_rows import SmsFact
from privatenumber.store.versions import Version
from privatenumber.times import beijing_day

NOON = utc("2026-09-15 04:00:00")


def orders(**by_subscription: str) -> Attribution:
    """Attribution by subscription id, underscores for hyphens: `orders(sub_1="order-1001")`."""
    known = {name.replace("_", "-"): order for name, order in by_subscription.items()}

    def attribute(fact: CdrFact | SmsFact, x: str | None) -> Belonging:
        order = known.get(fact.subscription_id or "")
        return Belonging(mode="AXB", order=order, binding=f"binding-of-{order}" if order else None)

    return attribute


ONE_ORDER = orders(sub_1="order-1001")


def parts(
    facts: Iterable[CdrFact] = (),
    texts: Iterable[SmsFact] = (),
    contradictions: Iterable[CdrFact] = (),
    *,
    prices: PriceBook = EXAMPLE_PRICES,
    inventory: Mapping[str, NumberType] = INVENTORY,
    attribution: Attribution = ONE_ORDER,
    shard: Callable[[str], int] = shard_of,
) -> list[PartClose]:
    """All parts that the facts belong to; `shard` says by the name of a fact to which of a day's."""
    cdrs: dict[Part, list[CdrFact]] = defaultdict(list)
    others: dict[Part, list[CdrFact]] = defaultdict(list)
    notices: dict[Part, list[SmsFact]] = defaultdict(list)
    for found, kept in ((facts, cdrs), (contradictions, others)):
        for fact in found:
            day = beijing_day(usage_time(fact, prices.usage_time))
            kept[Part(fact.application, day, shard(fact.session or fact.digest))].append(fact)
    for text in texts:
        day = beijing_day(sms_usage_time(text))
        notices[Part(text.application, day, shard(text.sms or text.digest))].append(text)
    terms = Terms(prices, inventory, attribution)
    return [
        close_part(
            part,
            PartFacts(cdrs.get(part, ()), others.get(part, ()), notices.get(part, ())),
            terms,
        )
        for part in sorted({*cdrs, *others, *notices})
    ]


def rated(facts: Iterable[CdrFact] = (), **how: Any) -> list[CallLine]:
    """The lines of the calls among the facts, part by part."""
    return [line for part in parts(facts, **how) for line in part.lines if isinstance(line, CallLine)]


def closes(facts: Iterable[CdrFact] = (), **how: Any) -> list[ClosedDay]:
    """The closes of all days that the facts belong to, as if they had been stored once."""
    return stored_days(parts(facts, **how))


def stored_days(closed: Iterable[PartClose]) -> list[ClosedDay]:
    """The days of some parts, each with a version."""
    days: dict[tuple[str, date], list[KeptPart]] = defaultdict(list)
    for part in closed:
        days[part.part.application, part.part.day].append(KeptPart(part, part.hash()))
    merged = [
        merge_day(app, day, found) for (app, day), found in sorted(days.items(), key=lambda one: one[0])
    ]
    return [
        ClosedDay(
            close,
            Version(f"DAY#{close.application}#{close.day}", 1, close.hash(), close.document(), 0, NOON),
        )
        for close in merged
    ]


def usage(
    closed: Sequence[PartClose],
    packages: Iterable[PackageOrder] = (),
    used: Mapping[str, Use] | None = None,
    *,
    open_all: bool = False,
) -> MonthUse:
    """Some parts merged to a month."""

    def lines_of(day: date) -> list[Line]:
        return [line for part in closed if part.part.day == day for line in part.lines]

    cells = [cell for day in stored_days(closed) for cell in day.close.cells]
    return merge_month(cells, quotas_of(packages, used=used), lines_of, open_all=open_all)


def stated(
    facts: Iterable[CdrFact] = (),
    *,
    month: str = "2026-09",
    packages: Iterable[PackageOrder] = (),
    used: Mapping[str, Use] | None = None,
    rents: Iterable[Rent] = (),
    cost_month_rents: Iterable[Rent] | None = None,
    corrections: Sequence[Booked] = (),
    closed: bool = False,
    options: Options | None = None,
    prices: PriceBook = EXAMPLE_PRICES,
    **how: Any,
) -> Statement:
    """The statement of a month of these facts."""
    deducted = tuple(rents)
    found = parts(facts, prices=prices, **how)
    return build_statement(
        month,
        stored_days(found),
        usage(found, packages, used),
        Rules(prices, {}, {}, options or Options()),
        rents=deducted,
        cost_month_rents=deducted if cost_month_rents is None else cost_month_rents,
        corrections=corrections,
        closed=closed,
    )
