"""Whom a call or an SMS to an X reaches, by our own relations: pure rules (x.md §5, ax.md §7).

The platform stores nothing in X mode, so this is the whole of the relation: who stands on X decides, and
nobody who does not is ever connected. Nothing is guessed: what does not fit is an answer without a callee.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from privatenumber.calls.rules import Broken
from privatenumber.calls.sms_text import AtNumber
from privatenumber.phone import NumberKind, is_global, kind
from privatenumber.settings import Mode

ONLY_A_CALLS, ONLY_OTHERS_CALL = 1, 2


class Role(StrEnum):
    """What somebody who dials an X is in the relation that stands there."""

    A = "a"
    PARTNER = "partner"
    ANYONE = "anyone"


class Reason(StrEnum):
    """Why a question was decided as it was."""

    RELATION = "relation"
    """The caller's relation names the one whom he reaches."""
    LAST_COUNTERPART = "last_counterpart"
    NO_RELATION = "no_relation"
    """The caller stands on no living binding of this X."""
    NO_COUNTERPART = "no_counterpart"
    """The caller is A, and nobody is named whom he could reach."""
    DIRECTION = "direction"
    UNREACHABLE = "unreachable"
    """The callee would be the caller, X itself, or no number of the kind that is needed."""
    DEFAULT = "default"
    """The application discards what names no receiver."""
    MALFORMED_RECEIVER = "malformed_receiver"
    """The text was meant for somebody whom it does not name validly: not for the last counterpart."""
    NO_TEXT = "no_text"
    """The platform does not deliver the text, so it may have been meant for anybody."""
    MODE = "mode"
    """The application's mode asks no such question."""
    UNREADABLE = "unreadable"
    """The question does not say who calls which X."""
    RULE = "rule"
    """The application's limits or its black list forbid what the relation allows."""
    UNDECIDED = "undecided"
    """Store or keys did not answer in time."""


@dataclass(frozen=True, slots=True)
class Person:
    """A real number and the token that stands for it."""

    number: str = field(repr=False)
    token: str


@dataclass(frozen=True, slots=True)
class LastContact:
    """Somebody one was in touch with, when, and under which binding (X mode: ours; AX: the platform's id)."""

    person: Person
    at: datetime
    binding_id: str | None = None
    subscription_id: str | None = None

    def made_under(self, relation: Relation) -> bool:
        """Whether it is of this relation; one that names no binding is of none."""
        if self.binding_id is not None:
            return self.binding_id == relation.binding_id
        return self.subscription_id is not None and self.subscription_id == relation.subscription_id


@dataclass(frozen=True, slots=True)
class Relation:
    """A binding, opened: A, those whom A speaks to (``partners``, only those who hold), and its terms.

    ``callee`` is whom A reaches until ``callee_until``, with a reference of its own.
    """

    binding_id: str
    order: str
    mode: Mode
    application: str
    active: bool
    x: str = field(repr=False)
    a: Person
    ends_at: datetime
    direction: int = 0
    max_minutes: int = 0
    partners: tuple[Person, ...] = ()
    anyone: bool = False
    sms: bool = True
    callee: Person | None = None
    callee_until: datetime | None = None
    record_hint_tone: str | None = None
    caller_tone: str | None = None
    callee_tone: str | None = None
    last_minute_tone: str | None = None
    reference: str | None = field(default=None, repr=False)
    callee_reference: str | None = field(default=None, repr=False)
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """A question: who dials or writes to which X, at which moment, whom he was in touch with last.

    ``ending`` is what the text of an SMS says about its receiver; `None`: there is no text.
    """

    application: str
    mode: Mode
    x: str = field(repr=False)
    caller: Person
    now: datetime
    contact: LastContact | None = None
    contact_life: timedelta = timedelta(hours=24)
    ending: AtNumber | None = None

    def fresh_contact(self, relation: Relation) -> Person | None:
        """The last counterpart within a relation, while that counts: never one of an order before it."""
        contact = self.contact
        if contact is None or not contact.made_under(relation):
            return None
        return contact.person if self.now < contact.at + self.contact_life else None


@dataclass(frozen=True, slots=True)
class Ruling:
    """A decision: without ``callee`` nobody is reached. ``relation`` and ``role`` are where it comes from.

    ``broken`` is the rule that forbids it; ``limits_unread``: nobody knows whether a limit would.
    """

    reason: Reason
    role: Role | None = None
    relation: Relation | None = None
    callee: Person | None = None
    reference: str | None = field(default=None, repr=False)
    broken: Broken | None = None
    limits_unread: bool = False


def rule_call(asked: Asked, relations: Iterable[Relation]) -> Ruling:
    """Decide a call in X mode; of several relations the first counts in which the caller has a role."""
    return _rule(asked, relations, (NumberKind.MOBILE, NumberKind.LANDLINE))


def rule_sms(asked: Asked, relations: Iterable[Relation], *, forward: bool) -> Ruling:
    """Decide an SMS: in X mode like a call, in AX by A's counterpart if the application will have it so.

    Sender and receiver must be mobile numbers; only a text that names nobody may go where A did not say
    (notifications.md §6.1).
    """
    writable = [relation for relation in relations if relation.sms]
    if asked.mode is Mode.X:
        return _rule(asked, writable, (NumberKind.MOBILE,))
    for relation in writable:
        if _living(relation, asked) and relation.a.token == asked.caller.token:
            if asked.ending not in {None, AtNumber.MISSING}:
                return Ruling(Reason.MALFORMED_RECEIVER, Role.A, relation)
            if not forward:
                return Ruling(Reason.DEFAULT, Role.A, relation)
            if asked.ending is None:
                return Ruling(Reason.NO_TEXT, Role.A, relation)
            reached = _callee(relation, asked) or _last(relation, asked)
            return _checked(asked, relation, Role.A, reached, (NumberKind.MOBILE,))
    return Ruling(Reason.NO_RELATION)


def rule_answer(asked: Asked, relation: Relation) -> Ruling:
    """Decide an SMS in X mode of somebody who stands on no relation, by the one he was in touch under last.

    That is whom A reached as the callee of a moment, and he answers A; who was a partner once is none any
    more. Only while the relation lives: one that is over connects nobody.
    """
    last, callee = asked.fresh_contact(relation), relation.callee
    is_callee = callee is not None and callee.token == asked.caller.token
    if not (is_callee and relation.sms and _living(relation, asked)) or last != relation.a:
        return Ruling(Reason.NO_RELATION)
    if relation.direction == ONLY_A_CALLS:
        return Ruling(Reason.DIRECTION, Role.PARTNER, relation)
    reached = (relation.a, Reason.LAST_COUNTERPART, relation.reference)
    return _checked(asked, relation, Role.PARTNER, reached, (NumberKind.MOBILE,))


def _rule(asked: Asked, relations: Iterable[Relation], kinds: tuple[NumberKind, ...]) -> Ruling:
    for relation in relations:
        role = _role(relation, asked)
        if role is None:
            continue
        forbidden = ONLY_OTHERS_CALL if role is Role.A else ONLY_A_CALLS
        if relation.direction == forbidden:
            return Ruling(Reason.DIRECTION, role, relation)
        if role is not Role.A:
            return _checked(asked, relation, role, (relation.a, Reason.RELATION, relation.reference), kinds)
        return _checked(asked, relation, role, _counterpart(relation, asked), kinds)
    return Ruling(Reason.NO_RELATION)


def _living(relation: Relation, asked: Asked) -> bool:
    """A place may outlive its binding for moments, and be ahead of it."""
    return (
        relation.active
        and relation.ends_at > asked.now
        and (relation.application, relation.mode, relation.x) == (asked.application, asked.mode, asked.x)
    )


def _role(relation: Relation, asked: Asked) -> Role | None:
    if not _living(relation, asked):
        return None
    if asked.caller.token == relation.a.token:
        return Role.A
    if any(partner.token == asked.caller.token for partner in relation.partners):
        return Role.PARTNER
    return Role.ANYONE if relation.anyone else None


_Reached = tuple[Person, Reason, str | None]


def _counterpart(relation: Relation, asked: Asked) -> _Reached | None:
    """Whom A reaches: the callee set for now, else the only partner, else the last who may be reached."""
    if named := _callee(relation, asked):
        return named
    if len(relation.partners) == 1:
        return relation.partners[0], Reason.RELATION, relation.reference
    last = _last(relation, asked)
    known = last and (relation.anyone or any(p.token == last[0].token for p in relation.partners))
    return (last[0], last[1], relation.reference) if last and known else None


def _callee(relation: Relation, asked: Asked) -> _Reached | None:
    if relation.callee and relation.callee_until and asked.now < relation.callee_until:
        return relation.callee, Reason.RELATION, relation.callee_reference or relation.reference
    return None


def _last(relation: Relation, asked: Asked) -> _Reached | None:
    contact = asked.fresh_contact(relation)
    return (contact, Reason.LAST_COUNTERPART, None) if contact else None


def _checked(
    asked: Asked, relation: Relation, role: Role, reached: _Reached | None, kinds: tuple[NumberKind, ...]
) -> Ruling:
    if reached is None:
        return Ruling(Reason.NO_COUNTERPART, role, relation)
    callee, reason, reference = reached
    number = callee.number
    if number in (asked.caller.number, asked.x) or not is_global(number) or kind(number) not in kinds:
        return Ruling(Reason.UNREACHABLE, role, relation)
    return Ruling(reason, role, relation, callee, reference)
