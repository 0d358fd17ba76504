"""What will never come is a case of the worklist, as far as anything told us of it; nothing else is one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from emulator.deliveries import Delivery, DeliveryState
from emulator.platform import Emulator
from privatenumber.privacy import Keyring
from privatenumber.times import from_iso
from storm.judges.facts import Row, entries_in
from storm.judges.verdict import Verdict
from storm.tables import Key

_GONE: Final = frozenset({DeliveryState.GIVEN_UP, DeliveryState.LOST})
_OVER: Final = timedelta(hours=11)
"""A call of which neither end nor CDR came is waited for four hours, and the watch of the storm looks every
six."""

_IMPORTED: Final = frozenset({"cdr-missing", "notice-missing"})
_OF_CALLS: Final = frozenset({"cdr-missing", "call-unended"})


@dataclass
class _Known:
    """What is here of a call or an SMS, by its partition."""

    facts: set[str] = field(default_factory=set)
    record_at: str = ""

    @property
    def record(self) -> bool:
        """Whether the one fact is here that says how it ended."""
        return bool(self.record_at)


def judge_worklist(
    emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring, ours: frozenset[str], now: datetime
) -> Verdict:
    """A CDR or notice that will not come is a case, if anything of its call or SMS has come.

    Nobody can miss a call of which nothing came, nor an SMS about which the platform never asked: those are
    the reconciliation's. Of events none is missed whose call has its CDR. ``ours``: the platform's ids of
    our bindings.
    """
    says = "every CDR and SMS notice the platform gave up on is a case, if anything was told; nothing else is"
    verdict = Verdict("worklist", says)
    known, cases = _known(rows), [row for row in rows.values() if row.get("kind") == "case"]
    standing: defaultdict[str, set[str]] = defaultdict(set)
    for case in cases:
        verdict.judged += 1
        if case["state"] == "open" and "about" in case:
            standing[str(case["about"][0])].add(str(case["case"]))
        _judge_case(verdict, case, known, ours, now)
    for delivery in emulator.pusher.log:
        if delivery.state in _GONE and delivery.created_at <= now - _OVER:
            _judge_push(verdict, delivery, keyring, known, standing)
    missed = verdict.judged - len(cases)
    verdict.judged += sum(here.record for here in known.values())
    if not missed:
        verdict.notes.append("nothing was given up on whose call or SMS we know")
    counts = {
        "cases": len(cases),
        "open": sum(one["state"] == "open" for one in cases),
        "given up on": missed,
    }
    verdict.figures = {name: str(count) for name, count in counts.items()}
    return verdict


def judge_settled(verdict: Verdict, rows: Mapping[Key, Row]) -> None:
    """Once what never came was imported, no CDR and no notice is missing.

    A row of the console finds its call by the hang-up, and its SMS by the id. A call without hang-up is left:
    its record stands apart, and people have to dismiss the case (operations.md, Worklist).
    """
    for (pk, _), row in rows.items():
        if row.get("kind") == "case" and row["case"] in _IMPORTED and row["state"] != "resolved":
            verdict.broken(f"a {row['case']} of {pk.partition('#')[2]} is {row['state']} after the import")


def _known(rows: Mapping[Key, Row]) -> dict[str, _Known]:
    known: defaultdict[str, _Known] = defaultdict(_Known)
    for (pk, sk), row in rows.items():
        if pk.startswith(("CALL#", "SMS#")):
            known[pk].facts.add(sk)
            if sk.startswith(("CDR#", "Notify")):
                known[pk].record_at = max(known[pk].record_at, str(row["received_at"]))
    return known


def _judge_push(
    verdict: Verdict,
    delivery: Delivery,
    keyring: Keyring,
    known: Mapping[str, _Known],
    standing: Mapping[str, set[str]],
) -> None:
    for entry in entries_in(delivery.app_key, delivery.body, keyring):
        pk, sk = entry.place
        here = known.get(pk)
        if here is None or here.record or not sk.startswith(("CDR#", "Notify", "EVENT#")):
            continue
        verdict.judged += 1
        wanted = _wanted(pk, here)
        if wanted not in standing.get(pk, ()):
            told = sorted(here.facts)
            verdict.broken(
                f"no case {wanted} about a push given up on {delivery.created_at:%m-%d %H:%M}", told
            )


def _wanted(pk: str, here: _Known) -> str:
    if pk.startswith("SMS#"):
        return "notice-missing"
    return "cdr-missing" if "EVENT#disconnect" in here.facts else "call-unended"


def _judge_case(
    verdict: Verdict, case: Row, known: Mapping[str, _Known], ours: frozenset[str], now: datetime
) -> None:
    kind, state = str(case["case"]), case["state"]
    if kind == "binding-unknown":
        if state == "open" and case.get("what") in ours:
            verdict.broken("a case is open about a binding of ours")
        return
    if kind not in _OF_CALLS | {"notice-missing"}:
        verdict.broken(f"a case {kind} is {state}, and nothing was to raise it")
        return
    here = known.get(str(case["about"][0]), _Known())
    told = sorted(here.facts)
    if state == "resolved" and not here.record and not _ended(kind, here):
        verdict.broken(f"a case {kind} is resolved, and what it lacked is not here", told)
    elif state not in ("resolved", "open"):
        verdict.broken(f"a case {kind} is {state}, and nobody was to end it")
    elif state == "open" and here.record and not _not_looked_at_since(case, here.record_at, now):
        verdict.broken(f"a case {kind} is open, and what it lacked is here", told)


def _ended(kind: str, here: _Known) -> bool:
    """A call of which no end had come: its hang-up ends that case, and begins the one of its CDR."""
    return kind == "call-unended" and "EVENT#disconnect" in here.facts


def _not_looked_at_since(case: Row, came_at: str, now: datetime) -> bool:
    """A case is looked at again when it is due, by the next run of the watch."""
    looked_at, due_at = from_iso(str(case["changed_at"])), from_iso(str(case["due_at"]))
    return looked_at <= from_iso(came_at) and now < due_at + timedelta(hours=6)
