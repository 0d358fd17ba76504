"""Asking for an erasure, and looking how far it has come."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from privatenumber.erasure.model import (
    YOUNGEST,
    ErasureDiffers,
    ErasureNotFound,
    InvalidRequest,
    Request,
    State,
    StillInUse,
    Subject,
)
from privatenumber.erasure.orders import Found, OrderBindings
from privatenumber.erasure.rounds import sealed_context
from privatenumber.numbers_in_text import holds_number
from privatenumber.privacy import Keyring, seal, token
from privatenumber.store.erasures import Certificate, ErasureRow, ErasureStore
from privatenumber.store.numbers import NumberStore
from privatenumber.store.versions import canonical
from privatenumber.times import Clock

MOST_NUMBERS = 100
"""Numbers of one request."""


@dataclass(frozen=True, slots=True)
class Told:
    """An erasure and, once it is done, its certificate."""

    row: ErasureRow
    certificate: Certificate | None = None


@dataclass(frozen=True, slots=True)
class Erasures:
    """Takes requests. ``applications`` are the ids of those that are configured."""

    store: ErasureStore
    orders: OrderBindings
    numbers: NumberStore
    applications: Callable[[], Iterable[str]]
    keyring: Callable[[], Keyring]
    clock: Clock

    def request(self, request: Request, idempotency_key: str) -> tuple[Told, bool]:
        """Write a request down, to be worked on with the next round; says whether it is new.

        Raises InvalidRequest, StillInUse (nothing was written) and ErasureDiffers.
        """
        self._check(request)
        keyring = self.keyring()
        identity = "e" + token(keyring, idempotency_key, purpose="erasure")
        content = token(keyring, canonical(_content(request)).decode(), purpose="content")
        known = self.store.get(identity)
        if known is None:
            living = self._living(request, keyring)
            if living and not request.dry_run:
                raise StillInUse(tuple(sorted(living)))
            row = self._row(request, identity, content, keyring)
            known = self.store.add(row)
            if known is None:
                return Told(row), True
        if known.content_hash != content:
            raise ErasureDiffers
        return self._told(known), False

    def get(self, identity: str) -> Told:
        """An erasure. Raises ErasureNotFound."""
        row = self.store.get(identity)
        if row is None:
            raise ErasureNotFound
        return self._told(row)

    def _told(self, row: ErasureRow) -> Told:
        done = row.state == State.DONE
        return Told(row, self.store.certificate(row.id) if done else None)

    def _check(self, request: Request) -> None:
        for field, text in (("reason", request.reason), ("order", request.order)):
            if text and holds_number(text):
                raise InvalidRequest(field, "must not contain a phone number")
        if request.application is not None and request.application not in set(self.applications()):
            raise InvalidRequest("application", "is not configured")
        if request.order is not None and request.application is None:
            raise InvalidRequest("application", "is required with an order")
        if len(request.numbers) > MOST_NUMBERS:
            raise InvalidRequest("numbers", f"must be at most {MOST_NUMBERS}")
        for number in request.numbers:
            if self.numbers.get(number) is not None:
                raise InvalidRequest("numbers", "must be people's; X numbers are the company's")
        days = request.older_than_days
        if days is not None and days < YOUNGEST.days:
            raise InvalidRequest("older_than_days", f"must be at least {YOUNGEST.days}")

    def _living(self, request: Request, keyring: Keyring) -> frozenset[str]:
        if request.order is not None and request.application is not None:
            return self.orders.of(request.application, request.order).living
        found = Found()
        applications = [request.application] if request.application else list(self.applications())
        for number in request.numbers:
            for application in applications:
                found |= self.orders.of_person(application, token(keyring, number))
        return found.living

    def _row(self, request: Request, identity: str, content: str, keyring: Keyring) -> ErasureRow:
        now = self.clock()
        private = {"numbers": sorted(request.numbers), "salt": secrets.token_hex(32)}
        sealed = seal(keyring, json.dumps(private).encode(), context=sealed_context(identity))
        return ErasureRow(
            id=identity,
            subject=request.subject.value,
            state=State.WAITING.value,
            created_at=now,
            created_by=request.by,
            reason=request.reason,
            content_hash=content,
            application=request.application,
            people=tuple(sorted(token(keyring, number, purpose="erased") for number in request.numbers)),
            order=request.order,
            older_than_days=request.older_than_days,
            dry_run=request.dry_run,
            lift_bars=request.lift_bars,
            sealed=sealed,
            due_at=now,
        )


def _content(request: Request) -> Mapping[str, object]:
    """What makes two requests the same: not who asks or why."""
    return {
        "subject": request.subject.value,
        "application": request.application,
        "numbers": sorted(request.numbers),
        "order": request.order,
        "older_than_days": request.older_than_days,
        "dry_run": request.dry_run,
        "lift_bars": request.lift_bars,
    }


def subject_of(numbers: Iterable[str] | None, order: str | None, older_than_days: int | None) -> Subject:
    """The one subject that is given. Raises InvalidRequest."""
    given = {
        Subject.PERSON: numbers is not None,
        Subject.ORDER: order is not None,
        Subject.AGE: older_than_days is not None,
    }
    found = [subject for subject, there in given.items() if there]
    if len(found) != 1:
        raise InvalidRequest("numbers", "give exactly one of numbers, order and older_than_days")
    return found[0]
