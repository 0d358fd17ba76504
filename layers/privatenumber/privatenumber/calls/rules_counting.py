"""Counting for limits: what is noted of a call or text, and which limit one more breaks."""

from __future__ import annotations

from collections.abc import Callable

from privatenumber.call_policy import CallPolicy, Limit
from privatenumber.calls import rules
from privatenumber.calls.rules import Broken, Moment, Parties
from privatenumber.store.call_counts import CallCounts, Counted

Left = Callable[[], float]


class Counting:
    """Notes what limits count, and judges by it. Reading raises StoreUnavailable."""

    def __init__(self, counts: CallCounts) -> None:
        self._counts = counts

    def note_arrival(self, policy: CallPolicy, parties: Parties, own: Moment) -> None:
        """Count a call or text for the one who makes it."""
        if counted := _arrival(policy, parties, own):
            self._counts.note(counted)

    def note_answer(self, policy: CallPolicy, parties: Parties, own: Moment) -> None:
        """Count an answered call for the two who speak; ``own`` is the moment of the answer."""
        if counted := _answer(policy, parties, own):
            self._counts.note(counted)

    def too_often(
        self, policy: CallPolicy, parties: Parties, own: Moment, left: Left | None = None
    ) -> Broken | None:
        """The limit of frequency that a call or text breaks."""
        counted = _arrival(policy, parties, own)
        if counted is None:
            return None
        limits = _limits(policy, own)
        since, most = rules.looks_back(limits, own.at)
        before = self._counts.before(counted, since=since, most=most, left=left)
        return rules.too_often(limits, policy.frequency_within, own.at, before)

    def answered_too_often(
        self, policy: CallPolicy, parties: Parties, own: Moment, left: Left | None = None
    ) -> Broken | None:
        """The limit of answered calls that a call of two people at this moment breaks."""
        counted = _answer(policy, parties, own)
        if counted is None:
            return None
        since, most = rules.day_of(own.at), policy.answers_per_day
        before = self._counts.before(counted, since=since, most=most, left=left)
        return rules.answered_too_often(policy, own.at, before)


def _limits(policy: CallPolicy, own: Moment) -> tuple[Limit, ...]:
    return policy.call_limits if own.call else policy.sms_limits


def _arrival(policy: CallPolicy, parties: Parties, own: Moment) -> Counted | None:
    if not _limits(policy, own) or not parties.caller:
        return None
    subject = rules.frequency_subject("calls" if own.call else "sms", policy, parties.caller, own.x)
    return Counted(parties.application, subject, own.at, own.identity) if subject else None


def _answer(policy: CallPolicy, parties: Parties, own: Moment) -> Counted | None:
    subject = rules.answers_subject(policy, parties) if policy.answers_per_day and own.call else None
    return Counted(parties.application, subject, own.at, own.identity) if subject else None
