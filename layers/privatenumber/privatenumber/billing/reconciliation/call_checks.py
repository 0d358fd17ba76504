"""Single calls: where the platform's detail export and our CDRs differ (billing-rules.md §9.3, I1 ↔ I4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from privatenumber.billing.closing.lines import CallLine
from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.call_tables import shown_id
from privatenumber.billing.reconciliation.differences import Difference, Kind, hidden, place, told
from privatenumber.billing.reconciliation.gathering import Gathering
from privatenumber.billing.reconciliation.tables import Span
from privatenumber.billing.reconciliation.workbench import Workbench, moment
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import PSEUDONYM, mask
from privatenumber.store.numbers import NumberType

_SECONDS_TOLERANCE: Final = 1
#: A handset dials again within so long (billing-rules.md §9.1).
_REDIAL_MS: Final = 120_000

_REDIALS: Final = f"""
DELETE FROM row_names WHERE n IN (
  SELECT m.n FROM row_names m CROSS JOIN rows r ON r.n = m.n
  WHERE r.talk = 0 AND r.minutes = 0 AND r.binding IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM pairs WHERE row = r.n)
    AND EXISTS (SELECT 1 FROM rows q WHERE q.binding = r.binding AND q.begun BETWEEN r.ended AND r.ended + ?
      AND q.n <> r.n AND q.x = r.x AND EXISTS (
        SELECT 1 FROM pairs p CROSS JOIN lines l ON l.n = p.line WHERE p.row = q.n
        AND (l.caller IS NULL OR l.caller = m.caller OR l.caller LIKE '{PSEUDONYM}%'
          OR instr(m.caller, '*')))))
"""

_MISSING_CDRS: Final = """
SELECT r.file, r.line, r.x, r.x_shown, r.app, r.at, r.ended, r.talk, r.minutes, m.rated,
  m.shown_id, e.address, e.app
FROM row_names m CROSS JOIN rows r ON r.n = m.n LEFT JOIN row_ends t ON t.row = r.n
  LEFT JOIN ended e ON e.n = t.end
WHERE NOT EXISTS (SELECT 1 FROM pairs WHERE row = r.n) AND r.at >= ? AND r.at < ?
ORDER BY r.at, r.ended, r.x, r.minutes, r.file, r.line
"""

_OTHER_LENGTHS: Final = """
SELECT l.fact, l.app, coalesce(l.plain_x, l.x), l.type, l.at, l.ended, r.talk, l.talk, r.minutes, l.minutes,
  r.file, r.line, p.rule
FROM pairs p CROSS JOIN rows r ON r.n = p.row CROSS JOIN lines l ON l.n = p.line
WHERE l.inside AND (r.minutes <> l.minutes OR abs(r.talk - l.talk) > ?) ORDER BY l.at, l.fact
"""


def set_redials_apart(bench: Workbench) -> int:
    """Rows of attempts that the handset repeated itself; they have no effect on money. Says how many."""
    unanswered = bench.one(
        "SELECT 1 FROM row_names m CROSS JOIN rows r ON r.n = m.n WHERE r.talk = 0 AND r.minutes = 0"
        " AND r.binding IS NOT NULL AND NOT EXISTS (SELECT 1 FROM pairs WHERE row = r.n) LIMIT 1"
    )
    if not unanswered:
        return 0
    bench.do("CREATE INDEX rows_binding ON rows (binding, begun) WHERE binding IS NOT NULL")
    return bench.do(_REDIALS, _REDIAL_MS)


def missing_cdrs(bench: Workbench, account: Account, span: Span) -> Gathering:
    """Rows of the export without a CDR of ours."""
    found = Gathering()
    for (
        file,
        line,
        x,
        x_shown,
        app,
        at,
        ended,
        talk,
        minutes,
        rated,
        record_id,
        event,
        event_app,
    ) in bench.ask(_MISSING_CDRS, span.since, span.until):
        kind = account.number_type(x)
        amount, shown = None, x_shown or mask(x)
        if minutes is not None:
            amount = account.price_of_minutes(moment(at), kind, minutes)
            found.explain((Item.CALL, kind), account.explained(Item.CALL, kind, moment(at), minutes, amount))
        arrived = "its hang-up event did arrive" if event else "no event of it arrived either"
        length = "" if minutes is not None else ", of which the file tells no length"
        evidence = {
            **place(file, line),
            **{"talk_seconds": talk, "record_id": record_id, "event": event},
            "import_minutes": None if rated == minutes else rated,
        }
        found.add(
            Difference(
                kind=Kind.MISSING_PUSH,
                cause="missing CDR: the platform's detail export lists "
                f"{told(shown, moment(ended), minutes, amount)}{length}; {arrived}",
                action="wait for its push (up to 11 hours); if none comes, import the row as a CDR"
                if minutes is not None
                else "wait for its push (up to 11 hours); if none comes, export the length of calls too",
                quantity=None if minutes is None else Decimal(minutes),
                amount=amount,
                application=app or event_app,
                x=shown,
                at=moment(at),
                item=Item.CALL,
                number_type=kind,
                evidence={name: value for name, value in evidence.items() if value is not None},
            )
        )
    return found


def length_differences(bench: Workbench, account: Account) -> Gathering:
    """Pairs that differ in billed minutes, or in talk seconds by more than one."""
    found = Gathering()
    if not bench.one("SELECT 1 FROM rows WHERE measured LIMIT 1"):
        return found  # an export without lengths says nothing of them
    for fact, app, x, type_name, at, ended, row_talk, talk, row_minutes, minutes, *where, rule in bench.ask(
        _OTHER_LENGTHS, _SECONDS_TOLERANCE
    ):
        more, component = row_minutes - minutes, (Item.CALL, NumberType(type_name))
        amount = account.price_of_minutes(moment(at), component[1], more)
        found.explain(component, account.explained(*component, moment(at), more, amount))
        found.add(
            Difference(
                kind=Kind.MINUTES_DIFF if more else Kind.DURATION_DIFF,
                cause=f"{told(x, moment(ended))}: the platform has {row_minutes} min{_seconds(row_talk)}, "
                f"our CDR {minutes} min ({talk} s)",
                action="the CDR prevails; ask the platform for its record if it charges more",
                quantity=Decimal(more),
                amount=amount,
                application=app,
                x=hidden(x),
                at=moment(at),
                item=Item.CALL,
                number_type=component[1],
                evidence={
                    "fact": fact,
                    **place(*where),
                    "matched_by": rule,
                    **({} if row_talk is None else {"seconds": row_talk - talk}),
                },
            )
        )
    return found


def _seconds(talk: int | None) -> str:
    return "" if talk is None else f" ({talk} s)"


def conflict(line: CallLine) -> Difference:
    """A record that contradicts one we have: kept, not rated, for somebody to decide."""
    return Difference(
        kind=Kind.RECORD_CONFLICT,
        cause=f"a second CDR with the id of another one but other content: {told(line.x, line.at)}; "
        "only the first one is rated",
        action="compare both records with the platform's detail export and decide",
        amount=Decimal(0),
        application=line.application,
        x=hidden(line.x),
        at=line.at,
        evidence={"fact": line.fact, "icid": shown_id(line.icid)},
    )
