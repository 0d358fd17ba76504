"""The black list as support keeps it: who may not call or be called, where, until when, and why."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Final

from privatenumber.calls.relations import Unseal
from privatenumber.numbers_in_text import holds_number, safe_actor
from privatenumber.phone import normalise
from privatenumber.privacy import Keyring, mask, seal, token
from privatenumber.settings import Application
from privatenumber.store.barred import (
    Bar,
    BarredStore,
    BarScope,
    Direction,
    ScopeKind,
    barred_context,
    position,
)
from privatenumber.times import Clock

MAX_REASON: Final = 200
_REASON: Final = re.compile(rf"[^\x00-\x1f\x7f]{{1,{MAX_REASON}}}")
_PLACE: Final = re.compile(r"[\x21-\x7e]{1,64}")


class InvalidEntry(ValueError):
    """Something asked of the list that it cannot hold: ``field`` breaks ``rule``; no value is repeated."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


@dataclass(frozen=True, slots=True)
class BarRequest:
    """An entry as it is asked for; ``value`` names the X, binding or order of the scope."""

    application: str
    number: str = field(repr=False)
    direction: Direction
    scope: ScopeKind
    value: str
    reason: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Listed:
    """An entry as people may see it: the number is masked.

    ``key`` is its place among those of the application. ``switched_on`` says whether the rules of the
    application look at the list, ``in_force`` whether the entry counts now.
    """

    key: str
    bar: Bar
    number: str
    switched_on: bool
    in_force: bool


class BlackList:
    """Enters, lists and removes.

    Parameters
    ----------
    store : BarredStore
    applications : Callable
        The configured applications by id.
    keyring, unseal
        The deployment's keys, and what opens a sealed value of a context.
    """

    def __init__(
        self,
        store: BarredStore,
        *,
        applications: Callable[[], Mapping[str, Application]],
        keyring: Callable[[], Keyring],
        unseal: Unseal,
        clock: Clock,
    ) -> None:
        self._store = store
        self._applications = applications
        self._keyring = keyring
        self._unseal = unseal
        self._clock = clock

    def enter(self, wanted: BarRequest, by: str) -> Listed:
        """Enter somebody, or change what was said of him there. Raises InvalidEntry, InvalidNumber."""
        now = self._clock()
        _check(wanted, now)
        application = self._known(wanted.application)
        number, keyring = normalise(wanted.number, service=True), self._keyring()
        person = token(keyring, number)
        context = barred_context(wanted.application, person)
        value = normalise(wanted.value, field="value") if wanted.scope is ScopeKind.X else wanted.value
        bar = Bar(
            application=wanted.application,
            person=person,
            direction=wanted.direction,
            scope=BarScope(wanted.scope, value),
            reason=wanted.reason,
            at=now,
            # An IAM session may be named after its owner's number.
            by=safe_actor(by),
            sealed=seal(keyring, number.encode(), context=context),
            until=wanted.until,
        )
        self._store.put(bar)
        return self._listed(bar, application)

    def of_person(self, application: str, number: str) -> tuple[Listed, ...]:
        """All entries of one person. Raises InvalidEntry, InvalidNumber."""
        configured = self._known(application)
        person = token(self._keyring(), normalise(number, service=True))
        return tuple(self._listed(bar, configured) for bar in self._store.of_person(application, person))

    def page(
        self, application: str, after: tuple[int, str] | None, limit: int
    ) -> tuple[tuple[Listed, ...], tuple[int, str] | None]:
        """Some entries, and the place behind which others are, `None` at the end. Raises InvalidEntry."""
        configured = self._known(application)
        bars = list(islice(self._store.page(application, after=after, limit=limit + 1), limit + 1))
        shown = tuple(self._listed(bar, configured) for bar in bars[:limit])
        if len(bars) <= limit:
            return shown, None
        return shown, position(bars[limit - 1])

    def remove(self, application: str, key: str) -> None:
        """Take an entry off; one that is not there is as good as gone. Raises InvalidEntry."""
        self._known(application)
        self._store.remove(application, key)

    def _known(self, application: str) -> Application:
        configured = self._applications().get(application)
        if configured is None:
            raise InvalidEntry("application", "is not configured")
        return configured

    def _listed(self, bar: Bar, application: Application) -> Listed:
        number = self._unseal(bar.sealed, barred_context(bar.application, bar.person)).decode()
        switched_on = application.rules.black_list
        in_force = switched_on and bar.holds(self._clock())
        return Listed(position(bar)[1], bar, mask(number), switched_on, in_force)


def _check(wanted: BarRequest, now: datetime) -> None:
    if not _REASON.fullmatch(wanted.reason):
        raise InvalidEntry("reason", f"must be 1 to {MAX_REASON} characters")
    if holds_number(wanted.reason):
        raise InvalidEntry("reason", "must not contain a phone number: the list shows it")
    if wanted.until is not None and wanted.until <= now:
        raise InvalidEntry("until", "must lie ahead")
    everywhere = wanted.scope is ScopeKind.APPLICATION
    if everywhere and wanted.value:
        raise InvalidEntry("value", "belongs to an X, a binding or an order only")
    if not everywhere and (not _PLACE.fullmatch(wanted.value) or "#" in wanted.value):
        raise InvalidEntry("value", "must name the X, binding or order of the scope")
    if wanted.scope is not ScopeKind.X and holds_number(wanted.value):
        raise InvalidEntry("value", "must not contain a phone number")
