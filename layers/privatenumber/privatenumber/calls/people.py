"""The real numbers behind a call or an SMS, opened from what the platform sent."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final, TypeAlias

from privatenumber.calls.relations import Unseal
from privatenumber.calls.stored import entry_of
from privatenumber.platform.pushes import CallEvent, Cdr, SmsNotice
from privatenumber.store.call_facts import CallFacts, SmsFacts
from privatenumber.store.calls import Call
from privatenumber.store.decisions import Decision, decision_context
from privatenumber.store.fact_rows import CdrFact, EventFact
from privatenumber.store.messages import Message

Numbers: TypeAlias = dict[str, str]
"""Numbers in clear by role; never to be logged, keyed or answered."""

_CALL_ROLES: Final = ("caller", "callee")
_SMS_ROLES: Final = ("calling", "called")


def numbers_of_call(facts: CallFacts, call: Call, unseal: Unseal) -> Numbers:
    """Caller and callee of a call, as far as a record that names them can be opened. Raises SealBroken."""
    found = _Wanted({"caller": call.caller, "callee": call.callee})
    records: list[CdrFact | EventFact] = [*facts.cdrs, *facts.events]
    for record in records:
        named = {"caller": record.caller, "callee": _far_end(record)}
        if found.misses(named) and record.sealed:
            entry = entry_of(record, unseal)
            if isinstance(entry, Cdr):
                found.take(named, {"caller": entry.caller, "callee": entry.callee})
            elif isinstance(entry, CallEvent):
                found.take(named, {"caller": entry.caller, "callee": entry.called})
    if facts.decision:
        _take_decision(found, facts.decision, _CALL_ROLES, unseal)
    return found.numbers


def numbers_of_message(facts: SmsFacts, message: Message, unseal: Unseal) -> Numbers:
    """Sender and receiver of an SMS, as far as a notice that names them can be opened. Raises SealBroken."""
    found = _Wanted({"calling": message.calling, "called": message.called})
    for notice in facts.notices:
        named = {"calling": notice.calling, "called": notice.called}
        if found.misses(named) and notice.sealed:
            entry = entry_of(notice, unseal)
            if isinstance(entry, SmsNotice):
                found.take(named, {"calling": entry.calling, "called": entry.called})
    if facts.decision:
        _take_decision(found, facts.decision, _SMS_ROLES, unseal)
    return found.numbers


class _Wanted:
    """Roles with the tokens that are looked for; a number counts only where the record names that token."""

    def __init__(self, tokens: dict[str, str | None]) -> None:
        self._tokens = {role: token for role, token in tokens.items() if token}
        self.numbers: Numbers = {}

    def misses(self, named: dict[str, str | None]) -> bool:
        return any(self._open(named))

    def take(self, named: dict[str, str | None], numbers: dict[str, str | None]) -> None:
        for role in self._open(named):
            number = numbers.get(role)
            if number:
                self.numbers[role] = number

    def _open(self, named: dict[str, str | None]) -> Iterator[str]:
        return (
            role
            for role, token in self._tokens.items()
            if role not in self.numbers and named.get(role) == token
        )


def _far_end(record: CdrFact | EventFact) -> str | None:
    return record.callee if isinstance(record, CdrFact) else record.called


def _take_decision(found: _Wanted, decision: Decision, roles: tuple[str, str], unseal: Unseal) -> None:
    caller, callee = roles
    named = {caller: decision.caller, callee: decision.callee}
    if found.misses(named) and decision.sealed:
        private = json.loads(unseal(decision.sealed, decision_context(decision.application)))
        found.take(named, {caller: private.get("caller"), callee: private.get("callee")})
