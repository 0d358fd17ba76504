"""Our statement against the platform's own books, to the fen, for each application, number and order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from emulator.books import CallCharge, SmsCharge, rounded
from emulator.callrecord import Call
from emulator.inventory import Mode
from emulator.platform import Emulator
from privatenumber.billing.closing.components import CORRECTION
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import sms_key
from privatenumber.times import from_iso
from storm.judges.verdict import Verdict
from storm.platform import OURS
from storm.tables import Key

_CALLS: Final = ("attempts", "connected", "talk_seconds", "minutes")
_COUNTS: Final = frozenset({"attempts", "connected", "messages"})
_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "by_application": ("application",),
    "by_x": ("application", "x"),
    "by_order": ("application", "order"),
}
_QUANTITIES: Final[Mapping[str, str]] = {"call": "charged minutes", "sms": "charged parts"}

Row = Mapping[str, Any]
Run = Callable[[Mapping[str, Any]], Any]
Orders = Mapping[str, str]
"""Our orders by the platform's ids of their bindings."""

Sums = Mapping[str, Decimal]
Groups = Mapping[tuple[str, ...], Sums]


@dataclass(frozen=True, slots=True)
class Charged:
    """What of a month's calls, SMS and rents a statement has to hold.

    ``rows``: the calls that only a row of the console tells of, by icid. ``came``: when the push of each call
    or SMS came, by icid or SMS id; none of what was imported.
    """

    calls: Sequence[CallCharge]
    texts: Sequence[SmsCharge]
    rents: Sequence[tuple[str, str, Decimal]]
    """Application, X and amount."""

    rows: frozenset[str] = frozenset()
    came: Mapping[str, datetime] = field(default_factory=dict)

    def known_by(self, moment: datetime) -> Charged:
        """What had come by then."""
        known = {name for name, at in self.came.items() if at <= moment}
        calls = [one for one in self.calls if one.call.icid in known]
        return replace(self, calls=calls, texts=[one for one in self.texts if one.sms.id in known])

    def sums(self) -> dict[str, Decimal]:
        """Everything together; each sum is rounded once (billing-rules.md §2)."""
        rent = rounded(sum((amount for _, _, amount in self.rents), Decimal(0)))
        spent = rounded(sum((one.amount for one in self.calls), Decimal(0)))
        spent += rounded(sum((one.amount for one in self.texts), Decimal(0)))
        return {
            **{name: sum((_of_call(one)[name] for one in self.calls), Decimal(0)) for name in _CALLS},
            "messages": Decimal(len(self.texts)),
            "charged minutes": Decimal(sum(one.minutes for one in self.calls)),
            "charged parts": Decimal(sum(one.parts for one in self.texts)),
            "rent": rent,
            "total": spent + rent,
        }

    def groups(self, orders: Orders) -> dict[str, Groups]:
        """The same by application, by number and by order, exact."""
        found: dict[str, defaultdict[tuple[str, ...], defaultdict[str, Decimal]]] = {
            name: defaultdict(lambda: defaultdict(Decimal)) for name in _GROUPS
        }

        def add(application: str, x: str, order: str, sums: Sums) -> None:
            keys = {"by_application": (application,), "by_x": (application, x)}
            for name, key in {**keys, "by_order": (application, order)}.items():
                for what, value in sums.items():
                    found[name][key][what] += value

        for call in self.calls:
            order = orders.get(call.call.subscription_id or "", "")
            add(OURS[call.call.app_key], self._x_of(call.call), order, _of_call(call))
        for text in self.texts:
            # A row of the console names no binding of an SMS.
            order = orders.get(text.sms.subscription_id or "", "") if text.sms.id in self.came else ""
            add(OURS[text.sms.app_key], text.sms.x, order, _of_text(text))
        for application, x, amount in self.rents:
            add(application, x, "", {"rent": amount})
        return {name: {key: dict(sums) for key, sums in group.items()} for name, group in found.items()}

    def _x_of(self, call: Call) -> str:
        """The X that is charged: in AXYB the one that the callee saw, which a row of the console hides."""
        told = call.mode is Mode.AXYB and call.route is not None and call.icid not in self.rows
        return call.route.display if call.route is not None and told else call.dialled


def _of_call(charge: CallCharge) -> dict[str, Decimal]:
    return {
        "attempts": Decimal(1),
        "connected": Decimal(charge.call.answered_at is not None),
        "talk_seconds": Decimal(charge.call.talk_seconds),
        "minutes": Decimal(charge.minutes),
        "amount": charge.amount,
    }


def _of_text(charge: SmsCharge) -> dict[str, Decimal]:
    return {"messages": Decimal(1), "parts": Decimal(charge.parts), "sms": charge.amount}


def judge_bills(
    emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring, orders: Orders, run: Run
) -> Verdict:
    """Each month: what we state is what the CDRs and SMS notices that arrived really cost."""
    says = "each month's statement equals the truth of what arrived, by application, number and order, too"
    verdict = Verdict("bills", says)
    for month in emulator.books.months():
        document = run({"action": "statement", "month": month})
        if not isinstance(document, Mapping) or document.get("kind") != "statement":
            verdict.broken(f"{month}: no statement: {document}")
            continue
        truth = arrived(emulator, month, rows, keyring)
        judge_statement(verdict, month, document, truth, orders, run)
        sums = truth.sums()
        verdict.figures[month] = f"{sums['attempts']} calls, {sums['total']} CNY with rent {sums['rent']}"
    return verdict


def arrived_cdrs(rows: Mapping[Key, Row]) -> frozenset[str]:
    """The CDRs that are here, by icid."""
    return frozenset(row["icid"] for row in rows.values() if row.get("kind") == "cdr" and row.get("icid"))


def notice_of(charge: SmsCharge, keyring: Keyring) -> Key:
    """Where the notice of an SMS stands."""
    application = OURS[charge.sms.app_key]
    return sms_key(application, token(keyring, charge.sms.id, purpose="sms")), "Notify"


def charged(emulator: Emulator, month: str, came: Mapping[str, datetime]) -> Charged:
    """All that the platform's own books have; ``came``: when what came as pushes did."""
    books = emulator.books
    rents = [(OURS[one.app_key], one.x, one.amount) for one in books.rent_of(month)]
    calls = books.calls_of(month)
    rows = frozenset(one.call.icid for one in calls) - came.keys()
    return Charged(calls, books.sms_of(month), rents, rows, came)


def pushed(emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring) -> dict[str, datetime]:
    """When the CDRs and SMS notices that are here came, by icid and SMS id."""
    cdrs = [row for row in rows.values() if row.get("kind") == "cdr" and row.get("icid")]
    found = {str(row["icid"]): from_iso(row["received_at"]) for row in cdrs}
    for one in emulator.books.sms_of(None):
        if (notice := rows.get(notice_of(one, keyring))) is not None:
            found[one.sms.id] = from_iso(notice["received_at"])
    return found


def arrived(emulator: Emulator, month: str, rows: Mapping[Key, Row], keyring: Keyring) -> Charged:
    """What of the platform's own books has a fact here."""
    cdrs = arrived_cdrs(rows)
    everything = charged(emulator, month, pushed(emulator, rows, keyring))
    calls = [one for one in everything.calls if one.call.icid in cdrs]
    texts = [one for one in everything.texts if notice_of(one, keyring) in rows]
    return replace(everything, calls=calls, texts=texts)


def judge_statement(
    verdict: Verdict, month: str, document: Mapping[str, Any], truth: Charged, orders: Orders, run: Run
) -> None:
    """One statement against what it has to hold, in all and in each of its groups.

    A month that is closed counts what had come by its close. What came later and costs something is a
    correction; without one, money and minutes are the whole truth all the same.
    """
    stated, sums = stated_sums(document, run), truth.sums()
    counted = truth.known_by(from_iso(document["made_at"])) if document["state"] == "closed" else truth
    sums |= {name: value for name, value in counted.sums().items() if name in _COUNTS}
    for name, value in stated.items():
        verdict.judged += 1
        if value != sums[name]:
            verdict.broken(f"{month}: {name} is {value}, in truth {sums[name]}")
    if "attempts" not in stated:
        verdict.notes.append(f"{month} was corrected: its groups are those of before")
        return
    for name, wanted in counted.groups(orders).items():
        verdict.judged += len(wanted)
        for what in differing(wanted, _group(document[name], _GROUPS[name])):
            verdict.broken(f"{month}: {name} {what}")


def differing(wanted: Groups, found: Groups) -> Iterable[str]:
    """Where two groups differ; a key that one of them lacks is nothing there."""
    for key in sorted(wanted.keys() | found.keys()):
        ours, truth = found.get(key, {}), wanted.get(key, {})
        for what in sorted(ours.keys() | truth.keys()):
            if ours.get(what, Decimal(0)) != truth.get(what, Decimal(0)):
                yield f"{' '.join(key)}: {what} is {ours.get(what, 0)}, in truth {truth.get(what, 0)}"


_MEASURES: Final = (*_CALLS, "amount", "messages", "parts", "sms", "rent")


def _group(lines: Iterable[Mapping[str, Any]], key: tuple[str, ...]) -> Groups:
    return {
        tuple(str(line[name] or "") for name in key): {name: Decimal(str(line[name])) for name in _MEASURES}
        for line in lines
    }


def stated_sums(document: Mapping[str, Any], run: Run) -> dict[str, Decimal]:
    """What a month comes to by itself: of a closed one, once what came later is booked as a correction.

    A correction says minutes and parts anew, but counts no calls.
    """
    correction = {}
    if document["state"] == "closed":
        correction = run({"action": "correct", "month": document["month"]})
    components = correction["after"] if "after" in correction else document["components"]
    own = [each for each in components if each["item"] != CORRECTION]
    sums = {"total": sum((Decimal(each["rounded"]) for each in own), Decimal(0))}
    for item, name in _QUANTITIES.items():
        sums[name] = sum(
            (Decimal(each["quantity"] + each["package_quantity"]) for each in own if each["item"] == item),
            Decimal(0),
        )
    sums["rent"] = sum((Decimal(each["rounded"]) for each in own if each["item"] == "rent"), Decimal(0))
    if "after" in correction:
        return sums
    counted = {name: Decimal(str(document["calls"][name])) for name in _CALLS}
    return {**sums, **counted, "messages": Decimal(str(document["sms"]["messages"]))}
