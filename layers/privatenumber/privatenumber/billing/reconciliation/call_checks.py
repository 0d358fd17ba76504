"""Single calls: where the platform's detail export and our CDRs differ (billing-rules.md §9.3, I1 ↔ I4)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final

from privatenumber.billing.closing.lines import CallLine
from privatenumber.billing.rating.calls import Flag, call_price, price_of
from privatenumber.billing.reconciliation.bill_check import Explained
from privatenumber.billing.reconciliation.differences import Difference, Kind, hidden, told
from privatenumber.billing.reconciliation.exports_in import ImportedCall, ImportedNumber
from privatenumber.billing.reconciliation.matching import Pair, row_minutes, row_talk_seconds
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.privacy import mask
from privatenumber.store.fact_rows import EventFact
from privatenumber.store.numbers import NumberType
from privatenumber.times import beijing_day

_SECONDS_TOLERANCE: Final = 1


@dataclass(frozen=True, slots=True)
class Account:
    """What is known of the account: its prices, its numbers, its applications by the platform's app key."""

    prices: PriceBook
    inventory: Mapping[str, NumberType] = field(repr=False)
    applications: Mapping[str, str]

    def number_type(self, x: ImportedNumber) -> NumberType:
        """The type of a file's number; virtual when it is not in the inventory (billing-rules.md §3.1)."""
        kinds = {kind for number, kind in self.inventory.items() if x.matches(number)} if x.masked else set()
        if len(kinds) == 1:
            return kinds.pop()
        return self.inventory.get(x.text, NumberType.VIRTUAL)

    def price_of_row(self, row: ImportedCall, minutes: int) -> Decimal | None:
        """What minutes of a row cost at our prices."""
        return price_of(minutes, call_price(self.prices, beijing_day(row.ended_at), self.number_type(row.x)))


@dataclass(frozen=True, slots=True)
class Found:
    """Differences of one kind, and what they explain of the bill, by number type."""

    differences: tuple[Difference, ...] = ()
    explained: Mapping[NumberType, Explained] = field(default_factory=dict)


def missing_cdrs(rows: Iterable[ImportedCall], ends: Mapping[int, EventFact], account: Account) -> Found:
    """Rows of the export without a CDR of ours. `ends` gives the hang-up event of a row, by its line."""
    differences = []
    explained: dict[NumberType, Explained] = defaultdict(Explained)
    for row in rows:
        minutes = row_minutes(row)
        amount = account.price_of_row(row, minutes)
        explained[account.number_type(row.x)] += explain(minutes, amount)
        end = ends.get(row.line)
        arrived = "its hang-up event did arrive" if end else "no event of it arrived either"
        differences.append(
            Difference(
                kind=Kind.MISSING_PUSH,
                cause="missing CDR: the platform's detail export lists "
                f"{told(row.x.text, row.ended_at, minutes, amount)}; {arrived}",
                action="wait for its push (up to 11 hours); if none comes, accept the row and keep the file",
                quantity=Decimal(minutes),
                amount=amount,
                application=account.applications.get(row.app_key or "") or (end.application if end else None),
                x=mask(row.x.text),
                at=row.ended_at,
                evidence=_row_evidence(row, end),
            )
        )
    return Found(tuple(differences), explained)


def missing_rows(lines: Iterable[CallLine]) -> Found:
    """CDRs that the export does not list."""
    differences = []
    explained: dict[NumberType, Explained] = defaultdict(Explained)
    for line in lines:
        explained[line.number_type] += explain(-line.minutes, None if line.amount is None else -line.amount)
        differences.append(
            Difference(
                kind=Kind.MISSING_CONSOLE,
                cause=f"we have {told(line.x, line.at, line.minutes, line.amount)}, "
                "which the platform's detail export does not list",
                action="keep the CDR; check whether the export was filtered by time or application",
                quantity=Decimal(-line.minutes),
                amount=None if line.amount is None else -line.amount,
                application=line.application,
                x=hidden(line.x),
                at=line.at,
                evidence={"fact": line.fact},
            )
        )
    return Found(tuple(differences), explained)


def duration_differences(pairs: Iterable[Pair], account: Account) -> Found:
    """Pairs that differ in billed minutes, or in talk seconds by more than one."""
    differences = []
    explained: dict[NumberType, Explained] = defaultdict(Explained)
    for pair in pairs:
        row, line = pair.row, pair.line
        minutes = row_minutes(row) - line.minutes
        seconds = row_talk_seconds(row) - line.talk_seconds
        if not minutes and abs(seconds) <= _SECONDS_TOLERANCE:
            continue
        price = call_price(account.prices, beijing_day(line.at), line.number_type)
        amount = price_of(minutes, price)
        explained[line.number_type] += explain(minutes, amount)
        differences.append(
            Difference(
                kind=Kind.MINUTES_DIFF if minutes else Kind.DURATION_DIFF,
                cause=f"{told(line.x, line.at)}: the platform has "
                f"{row_minutes(row)} min ({row_talk_seconds(row)} s), our CDR {line.minutes} min "
                f"({line.talk_seconds} s)",
                action="the CDR prevails; ask the platform for its record if it charges more",
                quantity=Decimal(minutes),
                amount=amount,
                application=line.application,
                x=hidden(line.x),
                at=line.at,
                evidence={"fact": line.fact, "import_line": row.line, "matched_by": pair.rule.value},
            )
        )
    return Found(tuple(differences), explained)


def conflicts(lines: Iterable[CallLine]) -> list[Difference]:
    """Records that contradict one we have: kept, not rated, for somebody to decide."""
    return [
        Difference(
            kind=Kind.RECORD_CONFLICT,
            cause=f"a second CDR with the id of another one but other content: {told(line.x, line.at)}; "
            "only the first one is rated",
            action="compare both records with the platform's detail export and decide",
            amount=Decimal(0),
            application=line.application,
            x=hidden(line.x),
            at=line.at,
            evidence={"fact": line.fact, "icid": line.icid},
        )
        for line in lines
        if not line.rated
    ]


def unknown_numbers(lines: Sequence[CallLine]) -> list[Difference]:
    """X numbers with calls that are not in the inventory, one difference each."""
    found: dict[tuple[str, str | None], list[CallLine]] = defaultdict(list)
    for line in lines:
        if Flag.NUMBER_NOT_IN_INVENTORY in line.flags:
            found[line.application, line.x].append(line)
    return [
        Difference(
            kind=Kind.NUMBER_UNKNOWN,
            cause=f"{len(calls)} calls on X {hidden(x)}, which is not in the inventory; rated as virtual",
            action="import the console's number table",
            amount=Decimal(0),
            application=application,
            x=hidden(x),
            evidence={"facts": [line.fact for line in calls[:10]], "calls": len(calls)},
        )
        for (application, x), calls in found.items()
    ]


def unpriced(lines: Sequence[CallLine], learned: str | None) -> list[Difference]:
    """One difference for all minutes without a price; the platform's own price is shown, never taken."""
    minutes = sum(line.minutes for line in lines if line.amount is None)
    if not minutes:
        return []
    hint = f"; the imported bill implies {learned} CNY per minute" if learned else ""
    return [
        Difference(
            kind=Kind.UNPRICED,
            cause=f"{minutes} call minutes have no configured price{hint}",
            action="configure the call price of your contract (PRICE_LIST) and run again",
            quantity=Decimal(minutes),
            amount=None,
            evidence={"learned_price": learned},
        )
    ]


def explain(minutes: int, amount: Decimal | None) -> Explained:
    """What minutes of one call explain of the bill."""
    return Explained(minutes, amount or Decimal(0), minutes if amount is None else 0)


def _row_evidence(row: ImportedCall, end: EventFact | None) -> dict[str, object]:
    evidence: dict[str, object] = {"import_line": row.line, "talk_seconds": row_talk_seconds(row)}
    if row.record_id and row.record_id.replace(".", "").isalnum():
        # An icid may be shown; a sessionId may contain phone numbers.
        evidence["record_id"] = row.record_id
    if end:
        evidence["event"] = "/".join(end.key)
    return evidence
