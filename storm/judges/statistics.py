"""What statistics count is what happened, as far as it was told to us, also as the daily runs counted it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from emulator.callrecord import Call
from emulator.platform import Emulator
from privatenumber.bindings.model import Binding, State
from privatenumber.privacy import Keyring, token
from privatenumber.store.fact_rows import call_key, key_part, sms_key
from privatenumber.times import beijing_day, from_iso
from storm.judges.verdict import Verdict
from storm.operators import CountedDay
from storm.platform import NUMBERS, OURS, application_id
from storm.tables import Key

Row = Mapping[str, Any]
Line = Mapping[str, Any]

_BEHIND: Final = timedelta(hours=1)
_COUNTED_BY: Final = timedelta(days=3)
"""The run of the morning after may have been skipped, and that of today not have been yet."""

_TELL: Final = frozenset({"event", "cdr", "sms", "decision"})
_OF_THE_ANSWER: Final = frozenset({"as_of", "final"})


def judge_statistics(
    emulator: Emulator,
    rows: Mapping[Key, Row],
    keyring: Keyring,
    bindings: Iterable[Binding],
    lines: Mapping[str, Line],
) -> Verdict:
    """``lines``: one line for each application, of all days of the storm."""
    verdict = Verdict("statistics", "statistics count what happened, as far as we were told of it")
    truth = _Truth(emulator, rows, keyring, list(bindings))
    for mode in NUMBERS:
        application = application_id(mode)
        line = lines.get(application, {})
        for name, (least, most) in truth.of(application).items():
            verdict.judged += 1
            found = int(line.get(name) or 0)
            if not least <= found <= most:
                wanted = str(least) if least == most else f"{least} to {most}"
                verdict.broken(f"{application}: {found} {name}, in truth {wanted}")
    for name in ("attempts", "connected", "sms_sends", "binds"):
        verdict.figures[name] = str(sum(int(line.get(name) or 0) for line in lines.values()))
    return verdict


def judge_days(verdict: Verdict, days: Iterable[CountedDay], rows: Mapping[str, Mapping[Key, Row]]) -> None:
    """What the daily runs made of a day is what counting it once more makes of it.

    But for days of which they did not know everything: something of it came after the run, or so shortly
    before that what follows facts may have been behind.
    """
    last, counted = last_changes(rows), list(days)
    today = max((one.day for one in counted), default=date.min)
    settled = 0
    for one in counted:
        if one.as_of is None:
            if today - one.day >= _COUNTED_BY:
                verdict.broken(f"{one.application} on {one.day} was never counted")
            continue
        changed_at = last.get((one.application, one.day))
        if changed_at is not None and changed_at > from_iso(one.as_of) - _BEHIND:
            continue
        settled += 1
        for name in sorted((one.first.keys() | one.again.keys()) - _OF_THE_ANSWER):
            if one.first.get(name) != one.again.get(name):
                verdict.broken(
                    f"{one.application} on {one.day}: {one.first.get(name)} {name} as of {one.as_of}, "
                    f"{one.again.get(name)} counted again"
                )
    verdict.judged += settled
    verdict.figures["days as the daily runs left them"] = str(settled)


def last_told(bills: Mapping[Key, Row]) -> dict[str, datetime]:
    """When the last thing of a call or SMS came, by partition: facts, and our answers to questions."""
    told: dict[str, datetime] = {}
    for (pk, _), row in bills.items():
        came = row.get("received_at") or (row.get("at") if row.get("kind") == "decision" else None)
        if came and row.get("kind") in _TELL:
            told[pk] = max(told.get(pk, from_iso(came)), from_iso(came))
    return told


def last_changes(rows: Mapping[str, Mapping[Key, Row]]) -> dict[tuple[str, date], datetime]:
    """When the last thing of a Beijing day came, by application: facts, answers, steps of bindings."""
    told = last_told(rows["BillsTable"])
    found: dict[tuple[str, date], datetime] = {}

    def note(application: str, happened: str, came: datetime) -> None:
        key = application, beijing_day(from_iso(happened))
        found[key] = max(found.get(key, came), came)

    for (pk, sk), row in rows["BillsTable"].items():
        if sk in ("CALL", "MESSAGE") and pk in told:
            note(row["application"], row["started_at" if sk == "CALL" else "at"], told[pk])
    for (pk, _), row in rows["BindingsTable"].items():
        if pk.startswith("AUDIT#BINDING#") and "step_at" in row:
            at = str(row["step_at"]).partition("#")[0]
            note(row["application"], at, from_iso(at))
    return found


class _Truth:
    """What an application's lines have to add up to, from and to where it depends on what did not come."""

    def __init__(
        self, emulator: Emulator, rows: Mapping[Key, Row], keyring: Keyring, bindings: list[Binding]
    ) -> None:
        self._emulator, self._rows, self._keyring, self._bindings = emulator, rows, keyring, bindings
        self._facts: dict[str, set[str]] = {}
        for pk, sk in rows:
            self._facts.setdefault(pk, set()).add(sk)

    def of(self, application: str) -> dict[str, tuple[int, int]]:
        calls = [call for call in self._emulator.calls.calls.values() if OURS[call.app_key] == application]
        told = [(call, self._of_call(call)) for call in calls]
        known = [(call, facts) for call, facts in told if facts]
        settled = [call for call, facts in known if f"CDR#{key_part(call.icid)}" in facts]
        open_ones = [call for call, facts in known if f"CDR#{key_part(call.icid)}" not in facts]
        answered = [call for call in open_ones if call.answered_at]
        heard = [call for call in answered if "EVENT#answer" in self._of_call(call)]
        connected = sum(call.answered_at is not None for call in settled)
        talk = sum(call.talk_seconds for call in settled)
        texts = [sms for sms in self._emulator.sms.messages.values() if OURS[sms.app_key] == application]
        notices = sum(self._notice(application, sms.id) in self._rows for sms in texts)
        ours = [one for one in self._bindings if one.application == application]
        made = [one for one in ours if one.state is not State.FAILED]
        return {
            "attempts": _exactly(len(known)),
            "connected": (connected + len(heard), connected + len(heard)),
            "duration_s": (talk, talk + sum(call.talk_seconds for call in heard)),
            "records": _exactly(len(settled)),
            "sms_sends": _exactly(notices),
            "binds": _exactly(len(made)),
            "closed": _exactly(sum(one.state is State.CLOSED for one in ours)),
        }

    def _of_call(self, call: Call) -> set[str]:
        session = token(self._keyring, call.session_id, purpose="session")
        return self._facts.get(call_key(OURS[call.app_key], session), set())

    def _notice(self, application: str, identity: str) -> Key:
        return sms_key(application, token(self._keyring, identity, purpose="sms")), "Notify"


def _exactly(number: int) -> tuple[int, int]:
    return number, number
