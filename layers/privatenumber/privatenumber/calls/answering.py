"""Questions: decided, stored and answered in time, whatever fails (x.md §2).

A question is never pushed again, so nothing here may cost its answer.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Final

from privatenumber.calls.bundling import Bundler
from privatenumber.calls.guard import Admitted, Arrival
from privatenumber.calls.questions import Question
from privatenumber.calls.report import Report, report_of
from privatenumber.calls.switchboard import Decided, Switchboard, word_for
from privatenumber.deadline import Deadline, in_time
from privatenumber.platform.pushes import Push, PushKind
from privatenumber.settings import Application
from privatenumber.store.decisions import read_decision
from privatenumber.store.facts import FactStore, NonceReused

_LOG: Final = logging.getLogger("privatenumber.calls")


class Answering:
    """Answers questions.

    Parameters
    ----------
    switchboard : Switchboard
        Decides.
    hurried : FactStore
        The store for what is asked: its client gives up while there is time for an answer.
    bundler : Bundler
    """

    def __init__(self, switchboard: Switchboard, hurried: FactStore, bundler: Bundler) -> None:
        self._switchboard = switchboard
        self._hurried = hurried
        self._bundler = bundler

    def answer(
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
        bundle = self._bundler.bundle(arrival, admitted, push, by_app_key, asked=True)
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
        report = report_of(admitted.application.id, push.kind, written, bundle)
        return replace(
            report,
            notes=tuple(sorted({*report.notes, *decided.notes})),
            answer=decided.answer,
            decided=decided.reason,
            undecided=decided.undecided,
        )

    def replayed(self, question: Question, deadline: Deadline, arrival: Arrival, kind: PushKind) -> Report:
        """A question under a signature that was used for another body: it may be anybody's (auth.md §6)."""
        application = question.application.id

        def put_apart() -> None:
            entry = self._bundler.apart(arrival, application, "refused: nonce")
            self._hurried.put_facts((), quarantined=(entry,), left=deadline.remaining)

        try:
            in_time(put_apart, deadline)
        except Exception as problem:
            _LOG.error("replayed question not kept", extra={"cause": type(problem).__name__})
        answer, notes = question.default(), ("nonce_reused",)
        return Report(200, application, kind.value, notes=notes, answer=answer, decided="nonce")
