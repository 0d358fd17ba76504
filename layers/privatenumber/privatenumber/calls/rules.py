"""Which call or text breaks which rule of an application: pure decisions (users.md U-S09).

What counts is who was counted before, by the time of the facts and not of their arrival; so one and the same
set of facts leads to one decision, in whatever order and however often it was told.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.call_policy import CallPolicy, Limit, Within
from privatenumber.store.barred import Bar, BarScope, Direction, ScopeKind, bar_key
from privatenumber.times import beijing_day, day_bounds

ANSWERS_PER_DAY: Final = "answers_per_day"
BARRED: Final[Mapping[Direction, str]] = {
    Direction.CALLER: "barred_caller",
    Direction.CALLEE: "barred_callee",
}


@dataclass(frozen=True, slots=True)
class Broken:
    """The rule that something breaks, and by what: words and counts, nobody's number.

    ``within`` says where was counted, or where somebody is barred; ``limit``, ``counted`` and ``seconds``
    belong to limits.
    """

    rule: str
    within: str
    limit: int | None = None
    counted: int | None = None
    seconds: int | None = None

    def evidence(self) -> dict[str, str | int]:
        """As attributes of a row."""
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass(frozen=True, slots=True)
class Moment:
    """When a call or text came by its own time, its token, and the X it came to as its fact names it.

    That is a token in the events of a call, and the number of a text.
    """

    call: bool
    at: datetime
    identity: str
    x: str | None


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is about to speak with whom, and where; people are tokens, ``x`` is that of `Moment`.

    ``named`` is the binding as the facts of the call name it: by the platform's id, in X mode by ours.
    What is not known is None.
    """

    application: str
    caller: str | None
    callee: str | None
    x: str | None
    named: str | None = None
    binding_id: str | None = None
    order: str | None = None
    x_number: str | None = None
    """The X in clear, where it is known to be one of ours."""


def frequency_subject(what: str, policy: CallPolicy, caller: str, x: str | None) -> str | None:
    """Under which name ``calls`` or ``sms`` of a person are counted; None: not at all, for want of an X."""
    if policy.frequency_within is Within.APPLICATION:
        return f"{what}#{caller}"
    return f"{what}#{caller}#x#{x}" if x else None


def answers_subject(policy: CallPolicy, parties: Parties) -> str | None:
    """Under which name answered calls of two people are counted, whoever of them called."""
    if not parties.caller or not parties.callee:
        return None
    pair = "answers#" + "+".join(sorted((parties.caller, parties.callee)))
    if policy.answers_within is Within.APPLICATION:
        return pair
    place = parties.x if policy.answers_within is Within.X else parties.named
    return f"{pair}#{policy.answers_within}#{place}" if place else None


def looks_back(limits: Sequence[Limit], at: datetime) -> tuple[datetime, int]:
    """Since when and how many of those before have to be known to judge a moment."""
    longest = max(limit.seconds for limit in limits)
    # One who called exactly so long ago is out of the time already.
    since = at - timedelta(seconds=longest) + timedelta(milliseconds=1)
    return since, max(limit.most for limit in limits)


def too_often(
    limits: Sequence[Limit], within: Within, at: datetime, before: Sequence[datetime]
) -> Broken | None:
    """The first limit that one more at ``at`` breaks; ``before`` are those counted before, newest first."""
    for limit in limits:
        begin = at - timedelta(seconds=limit.seconds)
        counted = sum(1 for moment in before if moment > begin)
        if counted >= limit.most:
            return Broken(limit.rule, within.value, limit.most, counted, limit.seconds)
    return None


def day_of(at: datetime) -> datetime:
    """When the Beijing day of a moment began."""
    return day_bounds(beijing_day(at))[0]


def answered_too_often(policy: CallPolicy, at: datetime, before: Sequence[datetime]) -> Broken | None:
    """Whether two people had their answered calls of the Beijing day of ``at`` already."""
    counted = sum(1 for moment in before if moment >= day_of(at))
    if not policy.answers_per_day or counted < policy.answers_per_day:
        return None
    return Broken(ANSWERS_PER_DAY, policy.answers_within.value, policy.answers_per_day, counted)


def bar_keys(parties: Parties) -> list[dict[str, str]]:
    """Keys of all entries of the black list that concern a call or text."""
    scopes = [BarScope(ScopeKind.APPLICATION)]
    places = {
        ScopeKind.X: parties.x_number,
        ScopeKind.BINDING: parties.binding_id,
        ScopeKind.ORDER: parties.order,
    }
    scopes += [BarScope(kind, value) for kind, value in places.items() if value]
    people = {Direction.CALLER: parties.caller, Direction.CALLEE: parties.callee}
    return [
        bar_key(parties.application, person, direction, scope)
        for direction, person in people.items()
        if person
        for scope in scopes
    ]


def barred(bars: Iterable[Bar], now: datetime) -> Broken | None:
    """The entry in force that forbids it; a caller's before a callee's, the widest first."""
    order = list(ScopeKind)
    standing = sorted(
        (bar for bar in bars if bar.holds(now)),
        key=lambda bar: (bar.direction is Direction.CALLEE, order.index(bar.scope.kind)),
    )
    return next((Broken(BARRED[bar.direction], bar.scope.kind.value) for bar in standing), None)
