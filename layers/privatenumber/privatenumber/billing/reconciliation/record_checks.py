"""What single records, calls or SMS, can differ by alike: unlisted, in another month, repeated (§9.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final

from privatenumber.billing.reconciliation import repeats
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.differences import (
    Difference,
    Kind,
    hidden,
    money,
    place,
    told,
    told_sms,
)
from privatenumber.billing.reconciliation.gathering import Gathering
from privatenumber.billing.reconciliation.tables import Span, Tables
from privatenumber.billing.reconciliation.workbench import Workbench, moment
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import mask
from privatenumber.store.numbers import NumberType
from privatenumber.times import iso


@dataclass(frozen=True, slots=True)
class _Words:
    """How a record of a kind is spoken of."""

    ours: str
    holds: str
    """Whose time decides the month."""
    rows: str
    units: str
    told: Callable[[str | None, datetime], str]

    def sentence(self, x: str | None, at: datetime, units: int, amount: Decimal | None) -> str:
        """A record, what is charged of it, and what that costs."""
        return f"{self.told(x, at)}, {units} {self.units}, {money(amount)}"


_WORDS: Final = {
    Item.CALL: _Words("CDR", "the CDR's own end", "calls", "min", told),
    Item.SMS: _Words("notice", "the notice's own time", "SMS", "parts", told_sms),
}

_UNLISTED: Final = """
SELECT fact, app, coalesce(plain_x, x), type, at, {time}, {units}, amount FROM {lines} l
WHERE inside AND NOT EXISTS (SELECT 1 FROM {pairs} WHERE line = l.n) ORDER BY at, fact
"""

_EDGES: Final = """
SELECT l.fact, l.app, coalesce(l.plain_x, l.x), l.type, l.at, l.{units}, l.amount, r.file, r.line, r.at,
  l.inside
FROM {pairs} p CROSS JOIN {rows} r ON r.n = p.row CROSS JOIN {lines} l ON l.n = p.line
WHERE l.inside <> (r.at >= ? AND r.at < ?) ORDER BY l.at, l.fact
"""


def missing_rows(bench: Workbench, tables: Tables, account: Account) -> Gathering:
    """Records of ours that the export does not list."""
    found, item, words = Gathering(), tables.item, _WORDS[tables.item]
    for fact, app, x, type_name, at, time, units, text in bench.ask(tables.sql(_UNLISTED)):
        kind, amount = NumberType(type_name), None if text is None else Decimal(text)
        less = None if amount is None else -amount
        found.explain((item, kind), account.explained(item, kind, moment(at), -units, less))
        found.add(
            Difference(
                kind=Kind.MISSING_CONSOLE,
                cause=f"we have {words.sentence(x, moment(time), units, amount)}, "
                "which the platform's detail export does not list",
                action=f"keep the {words.ours}; check whether the export was filtered by time or application",
                quantity=Decimal(-units),
                amount=less,
                application=app,
                x=hidden(x),
                at=moment(at),
                item=item,
                number_type=kind,
                evidence={"item": item.value, "fact": fact},
            )
        )
    return found


def edge_differences(bench: Workbench, tables: Tables, account: Account, span: Span) -> Gathering:
    """Records that the export's times put into another month; our own time decides, in Beijing."""
    found, item, words = Gathering(), tables.item, _WORDS[tables.item]
    for fact, app, x, type_name, at, units, text, file, line, row_at, inside in bench.ask(
        tables.sql(_EDGES), span.since, span.until
    ):
        amount = None if text is None else Decimal(text)
        sign, kind = -1 if inside else 1, NumberType(type_name)
        signed = None if amount is None else sign * amount
        found.explain((item, kind), account.explained(item, kind, moment(at), sign * units, signed))
        where = "the month before or after it" if inside else "this month"
        found.add(
            Difference(
                kind=Kind.PERIOD_EDGE,
                cause=f"{words.sentence(x, moment(at), units, amount)}: the export's time, "
                f"{iso(moment(row_at))}, puts it into {where}",
                action=f"none: the month of {words.holds}, Beijing time, holds",
                quantity=Decimal(sign * units),
                amount=signed,
                application=app,
                x=hidden(x),
                at=moment(at),
                item=item,
                number_type=kind,
                evidence={"item": item.value, "fact": fact, **place(file, line)},
            )
        )
    return found


def repeated_rows(bench: Workbench, tables: Tables) -> Gathering:
    """Rows of one file that say the same twice, and rows that contradict another one of their id."""
    found = Gathering()
    found.take(_repeated(bench, tables))
    return found


def _repeated(bench: Workbench, tables: Tables) -> Iterator[Difference]:
    begin = f"the detail export of {_WORDS[tables.item].rows} lists"
    for row in repeats.told(bench, tables):
        shown, first = row.x_shown or mask(row.x), place(row.first_file, row.first_line)
        yield Difference(
            kind=Kind.DUPLICATE if row.equal else Kind.RECORD_CONFLICT,
            cause=f"{begin} the record of line {row.first_line} again in line {row.line}"
            if row.equal
            else f"{begin} in line {row.line} the record of line {row.first_line}"
            f"{'' if row.file == row.first_file else ' of another file'} with other content; "
            "the first one counts",
            action="none: a record counts once; look whether the bill charges it twice"
            if row.equal
            else "compare both rows with the console and decide",
            amount=Decimal(0),
            application=row.application,
            x=shown,
            at=moment(row.at),
            evidence={
                "item": tables.item.value,
                **place(row.file, row.line),
                **{f"first_{name.removeprefix('import_')}": at for name, at in first.items()},
            },
        )
