"""Single SMS: where the platform's detail export and our notices differ (billing-rules.md §9.3, I2 ↔ I4)."""

from __future__ import annotations

from decimal import Decimal
from typing import Final

from privatenumber.billing.reconciliation.account import Account
from privatenumber.billing.reconciliation.differences import Difference, Kind, hidden, money, place, told_sms
from privatenumber.billing.reconciliation.gathering import Gathering
from privatenumber.billing.reconciliation.tables import Span
from privatenumber.billing.reconciliation.workbench import Workbench, moment
from privatenumber.billing.tariff.prices import Item
from privatenumber.privacy import mask
from privatenumber.store.numbers import NumberType

_MISSING_NOTICES: Final = """
SELECT r.file, r.line, r.x, r.x_shown, r.app, r.at, r.parts
FROM sms_names m CROSS JOIN sms_rows r ON r.n = m.n
WHERE NOT EXISTS (SELECT 1 FROM sms_pairs WHERE row = r.n) AND r.at >= ? AND r.at < ?
ORDER BY r.at, r.x, r.parts, r.file, r.line
"""

_OTHER_PARTS: Final = """
SELECT l.fact, l.app, coalesce(l.plain_x, l.x), l.type, l.at, r.parts, l.parts, l.received, l.forwarded,
  l.sent, r.file, r.line, p.rule
FROM sms_pairs p CROSS JOIN sms_rows r ON r.n = p.row CROSS JOIN sms_lines l ON l.n = p.line
WHERE l.inside AND r.parts <> l.parts ORDER BY l.at, l.fact
"""


def missing_notices(bench: Workbench, account: Account, span: Span) -> Gathering:
    """Rows of the export without a notice of ours."""
    found = Gathering()
    for file, line, x, x_shown, app, at, parts in bench.ask(_MISSING_NOTICES, span.since, span.until):
        kind, shown = account.number_type(x), x_shown or mask(x)
        amount = account.price_of_parts(moment(at), kind, parts)
        found.explain((Item.SMS, kind), account.explained(Item.SMS, kind, moment(at), parts, amount))
        found.add(
            Difference(
                kind=Kind.MISSING_PUSH,
                cause="missing SMS notice: the platform's detail export lists "
                f"{told_sms(shown, moment(at))}, {parts} parts, {money(amount)}",
                action="wait for its push (up to 11 hours); if none comes, import the row",
                quantity=Decimal(parts),
                amount=amount,
                application=app,
                x=shown,
                at=moment(at),
                item=Item.SMS,
                number_type=kind,
                evidence={"item": Item.SMS.value, **place(file, line)},
            )
        )
    return found


def part_differences(bench: Workbench, account: Account) -> Gathering:
    """Pairs that differ in parts: those of the push hold, the console's are told with what explains them."""
    found = Gathering()
    for fact, app, x, type_name, at, theirs, ours, received, forwarded, sent, *row, rule in bench.ask(
        _OTHER_PARTS
    ):
        component, more = (Item.SMS, NumberType(type_name)), theirs - ours
        reason = _reason(theirs, ours, received, forwarded, bool(sent))
        amount = account.price_of_parts(moment(at), component[1], abs(more)) * (1 if more > 0 else -1)
        found.explain(component, account.explained(*component, moment(at), more, amount))
        found.add(
            Difference(
                kind=Kind.PARTS_DIFF,
                cause=f"{told_sms(x, moment(at))}, {ours} parts: the platform counts {theirs}"
                f"{_REASONS[reason]}",
                action="none: the parts of the push are charged (splitNum)"
                if reason
                else "compare the text's length with the split rule; dispute what the bill charges more",
                quantity=Decimal(more),
                amount=amount,
                application=app,
                x=hidden(x),
                at=moment(at),
                item=Item.SMS,
                number_type=component[1],
                evidence={
                    "item": Item.SMS.value,
                    "fact": fact,
                    **place(*row),
                    "matched_by": rule,
                    **({"reason": reason} if reason else {}),
                    **({} if received is None else {"parts_received": received}),
                    **({} if forwarded is None else {"parts_forwarded": forwarded}),
                },
            )
        )
    return found


_REASONS: Final = {
    None: "",
    "ax_marker": ", which is the count with the @number of AX in it (billing-rules.md §4)",
    "not_charged": ", but it was not sent and costs nothing",
}


def _reason(theirs: int, ours: int, received: int | None, forwarded: int | None, sent: bool) -> str | None:
    """What explains the console's count."""
    if not sent and not ours:
        return "not_charged"
    if received is not None and received != forwarded and theirs == received:
        return "ax_marker"
    return None
