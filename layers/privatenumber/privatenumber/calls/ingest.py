"""One push: through the door, read, stored in one write, answered (design.md §3, notifications.md §2.3-§2.5).

Answered 200 only when everything in it is stored: as facts, or in quarantine where an entry is unreadable.
Until then the platform keeps it and pushes again. Nothing slower than the one write happens here.

A question is never pushed again: it gets an answer in its time, whatever fails (x.md §2).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Final, Protocol

from privatenumber.calls.answering import Answering
from privatenumber.calls.bundling import Bundler
from privatenumber.calls.guard import Admitted, Arrival, DoorPolicy, Refused, admit
from privatenumber.calls.questions import careful_answer, may_ask, question_in
from privatenumber.calls.reception import NO_OTHER_TIME
from privatenumber.calls.report import Report, report_of
from privatenumber.calls.switchboard import Switchboard
from privatenumber.deadline import Deadline, OutOfTime
from privatenumber.platform.pushes import NotAPush, Push, parse_push
from privatenumber.privacy import Keyring
from privatenumber.settings import Application, Kept, NonceCheck, PushSignature
from privatenumber.store.facts import FactStore, NonceReused

_LOG: Final = logging.getLogger("privatenumber.calls")


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
        self._policy = policy
        self._seconds = switchboard.seconds
        self._bundler = Bundler(keyring, policy, kept)
        self._answering = Answering(switchboard, hurried, self._bundler)

    def receive(self, arrival: Arrival) -> Report:
        """Take one request in and say what to answer.

        Raises
        ------
        StoreUnavailable
            Not everything is stored: answer 503, the platform pushes again.
        """
        deadline = Deadline.after(self._seconds)
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
            self._put_apart(arrival, admitted.application.id, reason, flags=admitted.flags)
            return Report(400, admitted.application.id, unparsable=1, reason=problem.reason)
        by_app_key = {application.app_key: application for application in applications.values()}
        question = question_in(push, admitted.application)
        keep = partial(self._answering.answer, question, deadline) if question else self._keep
        try:
            return keep(arrival, admitted, push, by_app_key)
        except NonceReused:
            enforced = self._policy.nonce_check is NonceCheck.ENFORCE
            required = self._policy.signature is PushSignature.REQUIRED
            if question and not (enforced and required):
                return self._answering.replayed(question, deadline, arrival, push.kind)
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
        bundle = self._bundler.bundle(arrival, admitted, push, by_app_key)
        written = self._store.put_facts(bundle.facts, nonce=bundle.nonce)
        return report_of(admitted.application.id, push.kind, written, bundle)

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
        bundle = self._bundler.bundle(arrival, admitted, push, by_app_key)
        written = self._store.put_facts(bundle.facts, quarantined=bundle.quarantined, nonce=bundle.nonce)
        return report_of(admitted.application.id, push.kind, written, bundle)

    def _refuse(self, arrival: Arrival, refused: Refused) -> Report:
        if refused.application is None:
            return Report(refused.status, reason=refused.reason)
        self._put_apart(arrival, refused.application.id, f"refused: {refused.reason}")
        return Report(refused.status, refused.application.id, reason=refused.reason)

    def _put_apart(
        self, arrival: Arrival, application: str, reason: str, *, flags: tuple[str, ...] = ()
    ) -> None:
        entry = self._bundler.apart(arrival, application, reason, flags=flags)
        self._store.put_facts((), quarantined=(entry,))
