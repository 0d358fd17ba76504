"""The inventory of X numbers: register, change, list (operations.md §6). Files: `numbers_import.py`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum, StrEnum
from typing import Final, TypeVar

from privatenumber.bindings.errors import BindingError, Busy, InvalidRequest
from privatenumber.phone import InvalidNumber, NumberKind, kind, normalise
from privatenumber.settings import Application
from privatenumber.store.authors import NOBODY, Author
from privatenumber.store.numbers import (
    NumberPage,
    NumberState,
    NumberStore,
    NumberType,
    StaleNumberError,
    XNumber,
)
from privatenumber.times import Clock, utc_now

_T = TypeVar("_T")
_WRITE_ATTEMPTS: Final = 4


class NumberInUse(BindingError):
    """The number cannot move to another application while it carries `pairs` bindings."""

    def __init__(self, pairs: int) -> None:
        super().__init__("the number carries bindings of its present application")
        self.pairs = pairs


class Keep(Enum):
    """`KEEP`: a date that a change does not speak of, while `None` clears it."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP


@dataclass(frozen=True, slots=True)
class NumberChange:
    """What shall be true of a number; `None` and `KEEP` leave a field as it is. Dates are Beijing dates."""

    application: str | None = None
    area_code: str | None = None
    number_type: NumberType | None = None
    state: NumberState | None = None
    issued_on: date | Keep | None = KEEP
    unsubscribed_on: date | Keep | None = KEEP


class Outcome(StrEnum):
    """What became of a number."""

    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Registered:
    """A number as it is stored now, and what the request did to it."""

    number: XNumber
    outcome: Outcome


class NumberInventory:
    """The company's X numbers over one store.

    `applications` gives the configured applications by id: a number belongs to one of them. `author` is who
    writes, for the audit.
    """

    def __init__(
        self,
        store: NumberStore,
        applications: Callable[[], Mapping[str, Application]],
        author: Author = NOBODY,
        clock: Clock = utc_now,
    ) -> None:
        self._store = store
        self._applications = applications
        self._author = author
        self._clock = clock

    def put(self, x: str, change: NumberChange) -> Registered:
        """Register a number or change it; repeating the request changes nothing more.

        Bindings on the number are left alone: a number that is not `active` only takes no new ones.
        Raises InvalidRequest, NumberInUse (move to another application), Busy (many writers of one number).
        """
        x = private_number(x, field="x")
        applications = self._applications()
        if change.application is not None and change.application not in applications:
            raise InvalidRequest("application", "is not configured")
        # A state that people name for a new number is their decision.
        intake = intake_end(applications.get(change.application or ""), self._clock())
        intake_until = intake if change.state is None else None
        for _ in range(_WRITE_ATTEMPTS):
            seen = self._store.get(x)
            wanted = described(x, change, seen, intake_until=intake_until)
            outcome = outcome_of(wanted, seen)
            if outcome is Outcome.UNCHANGED:
                return Registered(seen or wanted, outcome)
            try:
                self._store.put(wanted, seen=seen, author=self._author)
            except StaleNumberError:
                continue
            return Registered(replace(wanted, why=self._author.why), outcome)
        raise Busy

    def page(
        self,
        application: str,
        *,
        area_code: str | None = None,
        state: NumberState | None = None,
        limit: int = 100,
        after: str | None = None,
    ) -> NumberPage:
        """List an application's numbers, all or those of a city or state, in the order of their rank."""
        page = self._store.page(application, area_code=area_code, state=state, limit=limit, after=after)
        counted = self._store.get_many([number.x for number in page.numbers])
        return replace(page, numbers=tuple(counted.get(one.x, one) for one in page.numbers))


def private_number(text: str, *, field: str) -> str:
    """Normalise an X in any form of numbers.md §1.3; raises InvalidRequest when it cannot be one."""
    try:
        x = normalise(text, field=field)
    except InvalidNumber as error:
        raise InvalidRequest(field, error.rule) from None
    if kind(x) is not NumberKind.MOBILE:
        raise InvalidRequest(field, "a private number has the form of a mobile number")
    return x


def intake_end(application: Application | None, now: datetime) -> datetime | None:
    """Until when a number that comes to an application now waits in quarantine; None: not at all."""
    hours = application.intake_hours if application else 0
    return now + timedelta(hours=hours) if hours else None


def described(
    x: str, change: NumberChange, seen: XNumber | None, *, intake_until: datetime | None = None
) -> XNumber:
    """Say what a number shall be after a change; raises InvalidRequest or NumberInUse.

    A day of unsubscription retires the number, because it stops working that day (operations.md §6). A new
    number that would be active waits in quarantine `intake_until` a moment. A quarantine that people begin
    is also theirs to end.
    """
    application = _given("application", change.application, seen.application if seen else None)
    area_code = _given("area_code", change.area_code, seen.area_code if seen else None)
    number_type = _given("number_type", change.number_type, seen.number_type if seen else None)
    if seen and application != seen.application and seen.pairs:
        raise NumberInUse(seen.pairs)
    state = change.state
    if state is None:
        unsubscribes = isinstance(change.unsubscribed_on, date)
        state = NumberState.RETIRED if unsubscribes else seen.state if seen else NumberState.ACTIVE
    quarantined_until = None
    if seen is None and intake_until and state is NumberState.ACTIVE:
        state, quarantined_until = NumberState.QUARANTINED, intake_until
    elif seen and seen.state is state is NumberState.QUARANTINED:
        quarantined_until = seen.quarantined_until
    issued_on, unsubscribed_on = _dates(change, seen)
    if unsubscribed_on and state is not NumberState.RETIRED:
        raise InvalidRequest("unsubscribed_on", "only a retired number has one; null clears it")
    if issued_on and unsubscribed_on and unsubscribed_on < issued_on:
        raise InvalidRequest("unsubscribed_on", "before issued_on")
    return XNumber(
        x=x,
        application=application,
        area_code=area_code,
        number_type=number_type,
        state=state,
        issued_on=issued_on,
        unsubscribed_on=unsubscribed_on,
        pairs=seen.pairs if seen else 0,
        revision=seen.revision if seen else 0,
        quarantined_until=quarantined_until,
    )


def outcome_of(wanted: XNumber, seen: XNumber | None) -> Outcome:
    """Say whether a write is needed, and what it will be."""
    if seen is None:
        return Outcome.CREATED
    return Outcome.UNCHANGED if wanted == seen else Outcome.CHANGED


def _given(field: str, new: _T | None, old: _T | None) -> _T:
    value = new or old
    if value is None:
        raise InvalidRequest(field, "required for a number that is not registered yet")
    return value


def _dates(change: NumberChange, seen: XNumber | None) -> tuple[date | None, date | None]:
    issued_on, unsubscribed_on = change.issued_on, change.unsubscribed_on
    if isinstance(issued_on, Keep):
        issued_on = seen.issued_on if seen else None
    if isinstance(unsubscribed_on, Keep):
        unsubscribed_on = seen.unsubscribed_on if seen else None
    return issued_on, unsubscribed_on
