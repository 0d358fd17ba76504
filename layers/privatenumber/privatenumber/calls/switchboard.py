"""Answering the platform's questions from our relations, within the time there is (x.md §2, §4, §5).

Two reads, a pure decision, the rules of the application that are on, and one write that stores the question
and its answer together. Whatever fails, the answer is the careful one: it connects nobody. Who asks again
gets what was answered first; somebody else who asks under the same id does not.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

from privatenumber.calls import answers
from privatenumber.calls.answers import Answer
from privatenumber.calls.questions import Question
from privatenumber.calls.reception import Reception
from privatenumber.calls.relations import Unseal, opened_contact, opened_relation
from privatenumber.calls.routing import (
    Asked,
    Person,
    Reason,
    Ruling,
    rule_answer,
    rule_call,
    rule_sms,
)
from privatenumber.calls.rules import Moment
from privatenumber.calls.rules_asked import RulesAsked
from privatenumber.deadline import Deadline, OutOfTime, in_time
from privatenumber.phone import is_global
from privatenumber.privacy import seal
from privatenumber.settings import Mode, SmsDefault
from privatenumber.store.contacts import Contact
from privatenumber.store.decisions import Decision, NewDecision, decision_context
from privatenumber.store.fact_rows import NewFact
from privatenumber.store.facts import StoreUnavailable
from privatenumber.store.relations import RelationItem, RelationStore
from privatenumber.times import from_iso, iso

#: Part of the time that is kept for the write.
WRITE_SHARE: Final = 0.4
_LOG: Final = logging.getLogger("privatenumber.calls")


@dataclass(frozen=True, slots=True)
class Decided:
    """An answer, and the row that is to be stored with it (`None`: it is stored).

    ``undecided`` says in a word why the careful answer had to be taken, ``notes`` what was odd.
    """

    answer: Answer = field(repr=False)
    reason: str
    row: NewDecision | None = None
    undecided: str | None = None
    notes: tuple[str, ...] = ()


class Switchboard:
    """Decides questions.

    Parameters
    ----------
    relations : RelationStore
    unseal : Callable
        Opens a sealed value of a context (`KeyringStore.unseal`).
    rules : RulesAsked
        Limits and black list.
    seconds : float
        Time from the arrival of a question to its answer.
    """

    def __init__(
        self, relations: RelationStore, unseal: Unseal, rules: RulesAsked, *, seconds: float
    ) -> None:
        self._relations = relations
        self._unseal = unseal
        self._rules = rules
        self.seconds = seconds

    def decide(self, question: Question, fact: NewFact, reception: Reception, deadline: Deadline) -> Decided:
        """Decide a question, whose fact is `fact`, early enough to store the answer by the deadline."""
        try:
            earlier = deadline.minus(self.seconds * WRITE_SHARE)
            ruling = in_time(lambda: self._rule(question, fact, reception, earlier.remaining), earlier)
        except Exception as problem:
            return self._new(question, fact, reception, Ruling(Reason.UNDECIDED), undecided=word_for(problem))
        if isinstance(ruling, Decision):
            return self.standing(ruling, question, reception)
        return self._new(question, fact, reception, ruling)

    def standing(self, decision: Decision, question: Question, reception: Reception) -> Decided:
        """What was answered before, by this environment or by one that was faster, to the same person on X.

        The id of a call or SMS is no secret and does not say who asks: another's answer is not given.
        """
        # An answer that names nobody says no X either.
        same_x = decision.x is None or decision.x == _x(question)
        if decision.caller != reception.token(question.caller) or not same_x:
            return Decided(question.default(), "other_question", notes=("question_differs",))
        return Decided(self._answer_in(decision), decision.reason)

    def _rule(
        self, question: Question, fact: NewFact, reception: Reception, left: Callable[[], float]
    ) -> Decision | Ruling:
        application, caller, x = question.application, question.caller, question.x
        if not question.asked_by_mode:
            return Ruling(Reason.MODE)
        person = reception.token(caller)
        if not caller or not person or not x or not is_global(x):
            return Ruling(Reason.UNREADABLE)
        found = self._relations.standing(
            application=application.id, person=person, x=x, question=fact.pk, left=left
        )
        if found.decision is not None:
            return found.decision
        items = self._relations.relations(found.places, left)
        asked = Asked(
            application=application.id,
            mode=application.mode,
            x=x,
            caller=Person(caller, person),
            now=reception.received_at,
            contact=opened_contact(found.contact, self._unseal) if found.contact else None,
            contact_life=timedelta(hours=application.contact_hours),
            ending=question.ending,
        )
        ruling = self._ruled(question, asked, items, found.contact, left)
        policy, call = application.rules, question.call
        identity = fact.item.get("session" if call else "sms")
        if ruling.callee is None or not identity or not policy.governs(call=call):
            return ruling
        at = from_iso(fact.item["at"]) if "at" in fact.item else reception.received_at
        own = Moment(call, at, identity, reception.token(x) if call else x)
        return self._rules.applied(policy, asked, ruling, own, left)

    def _ruled(
        self,
        question: Question,
        asked: Asked,
        items: Sequence[RelationItem],
        contact: Contact | None,
        left: Callable[[], float],
    ) -> Ruling:
        """What the relations say."""
        application = question.application
        relations = [opened_relation(item, self._unseal) for item in items]
        if question.call:
            return rule_call(asked, relations)
        forward = application.sms_default is SmsDefault.FORWARD
        ruling = rule_sms(asked, relations, forward=forward)
        if forward and contact and asked.mode is Mode.X and ruling.reason is Reason.NO_RELATION:
            return self._answering(asked, contact, left) or ruling
        return ruling

    def _answering(self, asked: Asked, contact: Contact, left: Callable[[], float]) -> Ruling | None:
        """What the relation says under which the sender was in touch last; one more read."""
        made_under = [contact.binding_id] if contact.binding_id else []
        for item in self._relations.relations(made_under, left):
            return rule_answer(asked, opened_relation(item, self._unseal))
        return None

    def _new(
        self,
        question: Question,
        fact: NewFact,
        reception: Reception,
        ruling: Ruling,
        undecided: str | None = None,
    ) -> Decided:
        answer = _answer(question, ruling)
        row = NewDecision(fact.pk, _item(question, fact, reception, ruling, answer))
        notes = ("limits_unread",) if ruling.limits_unread else ()
        if ruling.broken:
            notes = (f"rule_{ruling.broken.rule}",)
        return Decided(answer, ruling.reason.value, row, undecided, notes)

    def _answer_in(self, decision: Decision) -> Answer:
        sealed = json.loads(self._unseal(decision.sealed, decision_context(decision.application)))
        answer: Answer = sealed["answer"]
        return answer


def word_for(problem: Exception) -> str:
    """Why a question could not be decided, as a metric and a log may say it."""
    if isinstance(problem, OutOfTime):
        return "time"
    if isinstance(problem, StoreUnavailable):
        return "time" if str(problem) == "out of time" else "store"
    _LOG.error("question not decided", exc_info=problem)
    return "error"


def _answer(question: Question, ruling: Ruling) -> Answer:
    application = question.application
    if ruling.callee is None:
        return question.default()
    if question.call:
        return answers.connect(ruling, question.x or "", application.close_tone)
    calling = question.calling or question.caller
    return answers.forward(ruling, calling, with_user_data=application.mode.value == "AX")


def _x(question: Question) -> str | None:
    return question.x if question.x and is_global(question.x) else None


def _item(
    question: Question, fact: NewFact, reception: Reception, ruling: Ruling, answer: Answer
) -> dict[str, Any]:
    relation, callee = ruling.relation, ruling.callee
    private = {
        "answer": answer,
        "caller": question.caller,
        "callee": callee and callee.number,
        "x": _x(question),
    }
    application = question.application.id
    optional = {
        "session": fact.item.get("session"),
        "sms": fact.item.get("sms"),
        # That what was dialled is an X of ours, and no person's number, only a relation proves.
        "x": _x(question) if relation else None,
        "caller_role": ruling.role and ruling.role.value,
        "binding_id": relation and relation.binding_id,
        "order": relation and relation.order,
        "caller": reception.token(question.caller),
        "callee": callee and callee.token,
        "broken": ruling.broken and ruling.broken.evidence(),
        "limits_unread": ruling.limits_unread or None,
    }
    return {
        **{name: value for name, value in optional.items() if value is not None},
        "kind": "decision",
        "about": "call" if question.call else "sms",
        "application": application,
        "mode": question.application.mode.value,
        "at": iso(reception.received_at),
        "operation": answers.operation(answer),
        "reason": ruling.reason.value,
        "sealed": seal(
            reception.keyring, json.dumps(private).encode(), context=decision_context(application)
        ),
        "expires_at": reception.expires_at(texts=not question.call),
    }
