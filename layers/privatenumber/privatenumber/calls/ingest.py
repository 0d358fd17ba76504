"""One push: through the door, read, stored in one write, answered (design.md §3, notifications.md §2.3-§2.5).

Answered 200 only when everything in it is stored: as facts, or in quarantine where an entry is unreadable.
Until then the platform keeps it and pushes again. Nothing slower than the one write happens here.

A question is never pushed again: it gets an answer in its time, whatever fails (x.md §2).
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

from privatenumber.calls.answers import Answer
from privatenumber.calls.desk import Bundle, Desk
from privatenumber.calls.facts import NO_OTHER_TIME, Reception
from privatenumber.calls.guard import (
    Admitted,
    Arrival,
    DoorPolicy,
    NonceMemory,
    Refused,
    admit,
)
from privatenumber.calls.quarantine import Envelope, body_token, entry_for, single
from privatenumber.calls.questions import Question, careful_answer, may_ask, question_in
from privatenumber.calls.switchboard import Decided, Switchboard, word_for
from privatenumber.deadline import Deadline, OutOfTime, in_time
from privatenumber.platform.pushes import BadEntry, NotAPush, Push, PushKind, parse_push
from privatenumber.privacy import Keyring
from privatenumber.settings import Application, Kept, NonceCheck, PushSignature
from privatenumber.store.decisions import read_decision
from privatenumber.store.fact_rows import NewFact
from privatenumber.store.fact_writes import NonceUse, QuarantineEntry
from privatenumber.store.facts import FactStore, NonceReused, Written
from privatenumber.times import from_iso

_LOG: Final = logging.getLogger("privatenumber.calls")
#: Where the console may point each kind; number states without an address go to that of call status.
_OWN_ROUTES = {
    PushKind.CDR: {"fee"},
    PushKind.SMS: {"sms"},
    PushKind.NUMBER_STATE: {"number", "status"},
}


@dataclass(frozen=True, slots=True)
class Report:
    """What became of a request: the answer's status, and what to count and log. Holds no number, no session.

    ``reason`` says why nothing was processed. ``notes`` are oddities: ``wrong_route``, ``nonce_reused``,
    ``unverified``, ``unannounced``, ``gb18030``, ``long_list``, ``unknown_event_type``, ``foreign_app_key``,
    ``question_differs``, ``limits_unread``, ``rule_<name of the rule that refused>``.
    ``delays_s`` is by kind of fact how long after what it tells of each new one came.
    Of a question: ``answer`` is what to answer (with numbers), ``decided`` why, ``undecided`` what failed.
    """

    status: int
    application: str | None = None
    kind: str | None = None
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    unparsable: int = 0
    reason: str | None = None
    notes: tuple[str, ...] = ()
    answer: Answer | None = field(default=None, repr=False)
    decided: str | None = None
    undecided: str | None = None
    delays_s: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def refused(self) -> bool:
        """Whether the door stayed shut."""
        return self.status in {401, 404, 405, 413}


class Applications(Protocol):
    """Where the configured applications come from (`ApplicationsSecret.load`)."""

    def __call__(self, *, refresh: bool = False, until: Deadline | None = None) -> Mapping[str, Application]:
        """The applications by id; the same object as before when nothing was read anew.

        Raises OutOfTime when there are none by then.
        """


class Ingestion:
    """Takes pushes in.

    Parameters
    ----------
    store : FactStore
    applications : Applications
        The configured applications by id; asked for a fresh copy before anything is refused.
    keyring : Callable
        The deployment's keys; called only for a sender who knows the secret path.
    policy : DoorPolicy
    switchboard : Switchboard
        Decides questions.
    hurried : FactStore
        The store for what is asked: its client gives up while there is time for an answer.
    kept : Kept
        How long what is stored stays.
    """

    def __init__(
        self,
        store: FactStore,
        *,
        applications: Applications,
        keyring: Callable[[], Keyring],
        policy: DoorPolicy,
        switchboard: Switchboard,
        hurried: FactStore,
        kept: Kept = NO_OTHER_TIME,
    ) -> None:
        self._store = store
        self._applications = applications
        self._keyring = keyring
        self._policy = policy
        self._switchboard = switchboard
        self._hurried = hurried
        self._kept = kept
        self._nonces = NonceMemory()

    def receive(self, arrival: Arrival) -> Report:
        """Take one request in and say what to answer.

        Raises
        ------
        StoreUnavailable
            Not everything is stored: answer 503, the platform pushes again.
        """
        deadline = Deadline.after(self._switchboard.seconds)
        try:
            applications, admitted = self._known(arrival, deadline)
        except Refused as refused:
            return self._refuse(arrival, refused)
        except Exception as problem:
            # Whose question it is cannot be said: answered all the same, and not stored (x.md §2).
            answered = careful_answer(arrival.body)
            if answered is None:
                raise
            _LOG.error("question of an unknown application", extra={"cause": type(problem).__name__})
            kind, answer = answered
            return Report(200, kind=kind.value, answer=answer, undecided="credentials")
        try:
            push = parse_push(arrival.body)
        except NotAPush as problem:
            reason = f"unparsable: {problem.reason}"
            self._quarantine(arrival, admitted.application.id, reason, flags=admitted.flags)
            return Report(400, admitted.application.id, unparsable=1, reason=problem.reason)
        by_app_key = {application.app_key: application for application in applications.values()}
        question = question_in(push, admitted.application)
        keep = partial(self._answer, question, deadline) if question else self._keep
        try:
            return keep(arrival, admitted, push, by_app_key)
        except NonceReused:
            enforced = self._policy.nonce_check is NonceCheck.ENFORCE
            required = self._policy.signature is PushSignature.REQUIRED
            if question and not (enforced and required):
                return self._replayed(question, deadline, arrival, push.kind)
            if required:
                return self._refuse(arrival, Refused(401, "nonce", admitted.application))
            unverified = replace(admitted, token=None, flags=("unverified",))
            return keep(arrival, unverified, push, by_app_key)

    def again(self, arrival: Arrival, admitted: Admitted) -> Report:
        """Read and write a request that stands in quarantine, as of the time at which it came.

        A question is not answered: nobody waits any more. What is unreadable is counted and not kept again:
        it stands where it did.

        Raises
        ------
        NotAPush, NonceReused
        StoreUnavailable
            Perhaps not everything is stored; the same again completes it.
        """
        push = parse_push(arrival.body)
        applications = self._applications()
        by_app_key = {application.app_key: application for application in applications.values()}
        bundle = self._bundle(arrival, admitted, push, by_app_key)
        written = self._store.put_facts(bundle.facts, nonce=bundle.nonce)
        return _report(admitted.application.id, push.kind, written, bundle)

    def _known(self, arrival: Arrival, deadline: Deadline) -> tuple[Mapping[str, Application], Admitted]:
        """Who pushes; a question waits for the credentials no longer than for its answer."""
        if may_ask(arrival.body):
            try:
                return self._admit(arrival, deadline)
            except OutOfTime:
                if careful_answer(arrival.body):
                    raise
        return self._admit(arrival, None)

    def _admit(self, arrival: Arrival, until: Deadline | None) -> tuple[Mapping[str, Application], Admitted]:
        applications = self._applications(until=until)
        try:
            return applications, admit(arrival, applications, self._policy)
        except Refused as refused:
            fresh = (
                self._applications(refresh=True, until=until)
                if refused.status in {401, 404}
                else applications
            )
            if fresh is applications:
                raise
            # An application or a secret may have been added a minute ago.
            return fresh, admit(arrival, fresh, self._policy)

    def _keep(
        self, arrival: Arrival, admitted: Admitted, push: Push, by_app_key: Mapping[str, Application]
    ) -> Report:
        bundle = self._bundle(arrival, admitted, push, by_app_key)
        written = self._store.put_facts(bundle.facts, quarantined=bundle.quarantined, nonce=bundle.nonce)
        return _report(admitted.application.id, push.kind, written, bundle)

    def _answer(
        self,
        question: Question,
        deadline: Deadline,
        arrival: Arrival,
        admitted: Admitted,
        push: Push,
        by_app_key: Mapping[str, Application],
    ) -> Report:
        """Decide, store and answer; whatever fails, and when the time is over, with the careful answer."""
        decide = partial(self._decide, question, deadline, arrival, admitted, push, by_app_key)
        try:
            return in_time(decide, deadline)
        except NonceReused:
            raise
        except Exception as problem:
            return Report(
                200,
                admitted.application.id,
                push.kind.value,
                answer=question.default(),
                undecided=word_for(problem),
            )

    def _decide(
        self,
        question: Question,
        deadline: Deadline,
        arrival: Arrival,
        admitted: Admitted,
        push: Push,
        by_app_key: Mapping[str, Application],
    ) -> Report:
        bundle = self._bundle(arrival, admitted, push, by_app_key, asked=True)
        if not bundle.facts:
            decided = Decided(question.default(), "unreadable", undecided="unreadable")
        elif question.foreign:
            # Stored where it belongs, without an answer: that one is for whoever signs as that application.
            decided = Decided(question.default(), "foreign_app_key")
        else:
            (fact,) = bundle.facts
            decided = self._switchboard.decide(question, fact, bundle.reception, deadline)
        written = self._hurried.put_facts(
            bundle.facts,
            quarantined=bundle.quarantined,
            nonce=bundle.nonce,
            decision=decided.row,
            left=deadline.remaining,
        )
        if written.decision is not None:
            standing = read_decision(written.decision)
            decided = self._switchboard.standing(standing, question, bundle.reception)
        report = _report(admitted.application.id, push.kind, written, bundle)
        return replace(
            report,
            notes=tuple(sorted({*report.notes, *decided.notes})),
            answer=decided.answer,
            decided=decided.reason,
            undecided=decided.undecided,
        )

    def _replayed(self, question: Question, deadline: Deadline, arrival: Arrival, kind: PushKind) -> Report:
        """A question under a signature that was used for another body: it may be anybody's (auth.md §6)."""
        application = question.application.id
        put_apart = partial(
            self._quarantine, arrival, application, "refused: nonce", self._hurried, deadline.remaining
        )
        try:
            in_time(put_apart, deadline)
        except Exception as problem:
            _LOG.error("replayed question not kept", extra={"cause": type(problem).__name__})
        answer, notes = question.default(), ("nonce_reused",)
        return Report(200, application, kind.value, notes=notes, answer=answer, decided="nonce")

    def _bundle(
        self,
        arrival: Arrival,
        admitted: Admitted,
        push: Push,
        by_app_key: Mapping[str, Application],
        *,
        asked: bool = False,
    ) -> Bundle:
        application, keyring = admitted.application, self._keyring()
        notes = [*admitted.flags, *push.notes, *self._nonce_notes(arrival, admitted, keyring)]
        if arrival.route not in _OWN_ROUTES.get(push.kind, {"status"}):
            notes.append("wrong_route")
        flags = (*admitted.flags, *(note for note in push.notes if note != "long_list"))
        reception = Reception(
            application.id, arrival.received_at, keyring, flags, application.mode, self._kept
        )
        desk = Desk(reception, by_app_key)
        for entry in push.entries:
            desk.take(entry, application)
        quarantined = [
            self._unreadable(arrival, push.kind, bad, admitted, keyring) for bad in (*push.bad, *desk.bad)
        ]
        nonce = self._nonce_use(arrival, admitted, keyring, asked=asked)
        return Bundle(reception, desk.facts, quarantined, nonce, (*notes, *desk.notes))

    def _refuse(self, arrival: Arrival, refused: Refused) -> Report:
        if refused.application is None:
            return Report(refused.status, reason=refused.reason)
        self._quarantine(arrival, refused.application.id, f"refused: {refused.reason}")
        return Report(refused.status, refused.application.id, reason=refused.reason)

    def _quarantine(
        self,
        arrival: Arrival,
        application: str,
        reason: str,
        store: FactStore | None = None,
        left: Callable[[], float] = lambda: math.inf,
        *,
        flags: tuple[str, ...] = (),
    ) -> None:
        entry = entry_for(
            Envelope(arrival.route, arrival.headers, arrival.body, flags),
            application=application,
            reason=reason,
            keyring=self._keyring(),
            received_at=arrival.received_at,
        )
        (store or self._store).put_facts((), quarantined=(entry,), left=left)

    def _unreadable(
        self, arrival: Arrival, kind: PushKind, bad: BadEntry, admitted: Admitted, keyring: Keyring
    ) -> QuarantineEntry:
        return entry_for(
            Envelope(arrival.route, {}, single(kind, bad, arrival.body), admitted.flags),
            application=admitted.application.id,
            reason=f"unreadable: {bad.reason}",
            keyring=keyring,
            received_at=arrival.received_at,
        )

    def _nonce_notes(self, arrival: Arrival, admitted: Admitted, keyring: Keyring) -> tuple[str, ...]:
        token = admitted.token
        if token is None or self._policy.nonce_check is not NonceCheck.LOG:
            return ()
        reused = self._nonces.reused(
            token.username,
            token.nonce,
            body_token(keyring, arrival.body),
            now=arrival.received_at,
            tolerance_s=self._policy.tolerance_s,
        )
        return ("nonce_reused",) if reused else ()

    def _nonce_use(
        self, arrival: Arrival, admitted: Admitted, keyring: Keyring, *, asked: bool
    ) -> NonceUse | None:
        """The use of the nonce, where it is held against later pushes: of a question in every setting.

        Its answer names a person, and the signature does not cover what is asked (auth.md §3).
        """
        token = admitted.token
        if token is None or not (asked or self._policy.nonce_check is NonceCheck.ENFORCE):
            return None
        return NonceUse(
            admitted.application.id,
            token.username,
            token.nonce,
            body_token(keyring, arrival.body),
            arrival.received_at,
            arrival.received_at + timedelta(seconds=2 * self._policy.tolerance_s),
        )


def _report(application: str, kind: PushKind, written: Written, bundle: Bundle) -> Report:
    return Report(
        200,
        application,
        kind.value,
        stored=len(written.stored),
        duplicates=len(written.duplicates),
        conflicts=len(written.conflicts),
        unparsable=len(bundle.quarantined),
        notes=tuple(sorted(set(bundle.notes))),
        delays_s=_delays_s(written.stored),
    )


def _delays_s(facts: Sequence[NewFact]) -> Mapping[str, Sequence[float]]:
    """Of facts that say when it happened: of a CDR the end of its call."""
    delays: dict[str, list[float]] = {}
    for fact in facts:
        at = fact.item.get("ended_at" if fact.kind == "cdr" else "at")
        if at is not None:
            delay = (from_iso(fact.item["received_at"]) - from_iso(at)).total_seconds()
            delays.setdefault(fact.kind, []).append(max(0.0, delay))
    return delays
