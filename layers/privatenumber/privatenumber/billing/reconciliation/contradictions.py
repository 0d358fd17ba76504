"""Rows whose id is that of a record of ours, and that say something else (billing-rules.md §9.3).

An id decides which record a row is. What else they say must agree then: the private number, who began it,
the application, and the time. What differs is told, and nothing is made of it: which of both is right is for
somebody to decide. A wrong column of a mapping shows up here.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.differences import Difference, Kind, hidden, place
from privatenumber.billing.reconciliation.gathering import Gathering
from privatenumber.billing.reconciliation.tables import Span, Tables
from privatenumber.billing.reconciliation.workbench import Workbench, moment
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import mask
from privatenumber.store.numbers import NumberType
from privatenumber.times import BEIJING

_TOLERANCE_MS: Final = 60_000
_NOTHING: Final = Decimal(0)
_NAMES: Final = {Item.CALL: "call", Item.SMS: "SMS"}


#: The columns of a file that tell a time, and when two times of one record are too far apart. Whoever talks
#: longer by one of both also ends later; an end in another month is told as such.
_TIMES: Final = {
    Item.CALL: ("end_time", "abs(r.ended - l.ended) > {far} + 1000 * abs(coalesce(r.talk, l.talk) - l.talk)"),
    Item.SMS: ("time", "abs(r.at - l.at) > {far}"),
}

_CONTRADICTIONS: Final = """
SELECT * FROM (
  SELECT l.fact, l.app, coalesce(l.plain_x, l.x), l.type, l.at, r.file, r.line, r.x, r.x_shown, p.rule,
    CASE WHEN instr(r.x, '*') THEN coalesce(l.plain_x, l.x) NOT GLOB replace(r.x, '*', '?')
      ELSE r.x <> l.x END AS other_x,
    EXISTS (SELECT 1 FROM {people} o WHERE o.row = r.n AND o.line = l.n) AS other_person,
    r.app <> l.app AS other_app,
    {apart} AND r.at >= ? AND r.at < ? AS other_time
  FROM {pairs} p CROSS JOIN {rows} r ON r.n = p.row CROSS JOIN {lines} l ON l.n = p.line WHERE l.inside)
WHERE other_x OR other_person OR other_app OR other_time ORDER BY at, fact
"""


def contradictions(bench: Workbench, tables: Tables, account: Account, span: Span) -> Gathering:
    """Pairs of the month that an id has found and that are not the same otherwise."""
    time, apart = _TIMES[tables.item]
    asked = tables.sql(_CONTRADICTIONS, apart=apart.format(far=_TOLERANCE_MS))
    columns = ("x_number", tables.person, "app_key", time)
    found = Gathering()
    for fact, app, x, type_name, at, file, line, row_x, x_shown, rule, *others in bench.ask(
        asked, span.since, span.until
    ):
        differs = [column for column, other in zip(columns, others, strict=True) if other]
        theirs = account.number_type(row_x)
        when = f"{moment(at).astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
        found.add(
            Difference(
                kind=Kind.RECORD_CONFLICT,
                cause=f"the row with the id of our {_NAMES[tables.item]} on X {hidden(x)} of {when} "
                f"has another {', '.join(differs)}",
                action="look at the mapping of these columns, else compare both records with the console; "
                "our record is charged",
                amount=_NOTHING,
                application=app,
                x=hidden(x),
                at=moment(at),
                evidence={
                    "item": tables.item.value,
                    "fact": fact,
                    **place(file, line),
                    "matched_by": rule,
                    "differs": differs,
                    **(_other_x(x_shown or mask(row_x), type_name, theirs) if others[0] else {}),
                },
            )
        )
    return found


def _other_x(shown: str, ours: str, theirs: NumberType) -> dict[str, str]:
    """The number of a row, and the type by which it is charged where that is another one than ours."""
    types = {} if theirs.value == ours else {"number_type": ours, "row_number_type": theirs.value}
    return {"row_x": shown, **types}
