"""Quarantine: what stands there, and taking it in after all (notifications.md §2.3, auth.md §6).

What could not be read came through the door, so it is read again once the code can. What was refused is taken
in when its signature is right under the secrets of today, as of the time at which it came: a secret was
wrong, and the platform honest. Otherwise somebody has to say that he believes it and why, and its facts are
marked unverified. Whatever is replayed twice, or was pushed again meanwhile, is a duplicate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from privatenumber.calls.guard import Admitted, Arrival, DoorPolicy, Refused, verified
from privatenumber.calls.ingest import Ingestion
from privatenumber.calls.quarantine import Envelope
from privatenumber.calls.quarantine import open_envelope as open_with
from privatenumber.calls.relations import Unseal
from privatenumber.platform.pushes import NotAPush
from privatenumber.privacy import SealBroken
from privatenumber.settings import Application
from privatenumber.store.facts import NonceReused, StoreUnavailable
from privatenumber.store.quarantined import Position, QuarantinedPush, QuarantineStore

_REFUSED: Final = "refused"
#: A right signature says nothing about where a push came from, or whether its body is what was signed.
_BELIEVED_ONLY: Final = frozenset({"refused: source", "refused: nonce"})
_IN_VAIN: Final = 3
"""Entries in succession that the table does not take, after which a run gives up."""

Place = tuple[date, Position]
"""Where an entry stands: its Beijing day, and its position there."""


class Outcome(StrEnum):
    """What became of an entry."""

    REPLAYED = "replayed"
    ALREADY = "already"
    """It was replayed before and has not come again."""
    REFUSED = "refused"
    """Its signature is still not right, or does not suffice."""
    UNREADABLE = "unreadable"
    """At least a part of it still cannot be read; what can be is stored."""
    UNOPENABLE = "unopenable"
    """The key that sealed it is gone, or the entry was altered."""
    UNAVAILABLE = "unavailable"
    """The table did not take it; it stands where it did, and the same again completes it."""


class EntryUnknown(Exception):
    """There is no such entry; it may have been forgotten."""


class ApplicationUnknown(Exception):
    """The application is not configured."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries: one ``body``, or those of Beijing days, of one ``reason`` if it is given.

    A reason is told by its beginning: ``refused``, ``unparsable: json``. ``after`` goes on where a run ended.
    """

    application: str
    body: str | None = None
    first: date | None = None
    last: date | None = None
    reason: str = ""
    after: Place | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Who replays, why, and whether he believes what no signature proves."""

    by: str
    why: str | None = None
    force: bool = False


@dataclass(slots=True)
class Replayed:
    """What a run did: how many entries of each outcome, what was stored.

    Unless it ``finished`` the same goes on after ``cursor`` (None: from the beginning). ``halted``: it gave
    up because the table took none of several entries in succession.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    stored: int = 0
    duplicates: int = 0
    conflicts: int = 0
    entries: list[tuple[str, Outcome]] = field(default_factory=list)
    cursor: Place | None = None
    finished: bool = True
    halted: bool = False


class Quarantine:
    """What stands in quarantine.

    Parameters
    ----------
    store : QuarantineStore
    ingestion : Ingestion
        Reads and writes what is replayed.
    applications : Callable
        The configured applications by id.
    unseal : Callable
        Opens what is sealed, also under a key that was added a moment ago.
    policy : DoorPolicy
        What a signature is held to.
    """

    def __init__(
        self,
        store: QuarantineStore,
        ingestion: Ingestion,
        *,
        applications: Callable[[], Mapping[str, Application]],
        unseal: Unseal,
        policy: DoorPolicy,
    ) -> None:
        self._store = store
        self._ingestion = ingestion
        self._applications = applications
        self._unseal = unseal
        self._policy = policy

    def page(self, wanted: Wanted, *, limit: int) -> tuple[list[QuarantinedPush], Place | None]:
        """Entries, the oldest day first, and where the next page begins; it looks at ``limit`` at most."""
        places = list(self._places(wanted, limit))
        read = (self._store.get(wanted.application, body) for _, body in places)
        found = [entry for entry in read if entry and entry.reason.startswith(wanted.reason)]
        return found, places[-1][0] if len(places) == limit else None

    def entry(self, application: str, body: str) -> QuarantinedPush:
        """One entry. Raises EntryUnknown."""
        entry = self._store.get(application, body)
        if entry is None:
            raise EntryUnknown
        return entry

    def envelope(self, entry: QuarantinedPush) -> Envelope:
        """The request inside an entry, in clear. Raises SealBroken."""
        return open_with(self._unseal, entry.application, entry.sealed)

    def replay(
        self, wanted: Wanted, order: Order, *, now: datetime, left: Callable[[], float], limit: int
    ) -> Replayed:
        """Take entries in, as many as time and ``limit`` allow.

        Raises EntryUnknown, ApplicationUnknown; of one entry StoreUnavailable, when the same again completes
        it. Of many, each that the table does not take is told, and the run goes on behind it.
        """
        application = self._applications().get(wanted.application)
        if application is None:
            raise ApplicationUnknown
        run = Replayed()
        places = list(self._places(wanted, limit))
        for place, body in places:
            run.halted = _in_vain(run)
            if left() <= 0 or run.halted:
                run.finished = False
                return run
            entry = self._store.get(wanted.application, body)
            if entry and entry.reason.startswith(wanted.reason):
                alone = wanted.body is not None
                outcome = self._replay(entry, application, order, now, run, alone=alone)
                run.outcomes[outcome] += 1
                run.entries.append((body, outcome))
            elif wanted.body is not None:
                raise EntryUnknown
            run.cursor = place
        run.finished = wanted.body is not None or len(places) < limit
        return run

    def _replay(
        self,
        entry: QuarantinedPush,
        application: Application,
        order: Order,
        now: datetime,
        run: Replayed,
        *,
        alone: bool,
    ) -> Outcome:
        if entry.replayed:
            return Outcome.ALREADY
        try:
            envelope = self.envelope(entry)
            arrival = Arrival(
                method="POST",
                application=application.id,
                secret="",
                route=envelope.route,
                source="",
                headers=envelope.headers,
                body=envelope.body,
                received_at=entry.first_at,
            )
            report = self._ingestion.again(
                arrival, self._admitted(entry, envelope, arrival, application, order)
            )
        except SealBroken:
            return Outcome.UNOPENABLE
        except (Refused, NonceReused):
            return Outcome.REFUSED
        except NotAPush:
            return Outcome.UNREADABLE
        except StoreUnavailable:
            if alone:
                raise
            return Outcome.UNAVAILABLE
        run.stored += report.stored
        run.duplicates += report.duplicates
        run.conflicts += report.conflicts
        if report.unparsable:
            return Outcome.UNREADABLE
        self._store.mark(entry, by=order.by, why=order.why, at=now)
        return Outcome.REPLAYED

    def _admitted(
        self,
        entry: QuarantinedPush,
        envelope: Envelope,
        arrival: Arrival,
        application: Application,
        order: Order,
    ) -> Admitted:
        """As what an entry is taken in. Raises Refused."""
        if not entry.reason.startswith(_REFUSED):
            return Admitted(application, flags=envelope.flags)  # the door was open, reading failed
        if order.force:
            return Admitted(application, flags=("unverified",))
        if entry.reason in _BELIEVED_ONLY:
            raise Refused(401, entry.reason, application)
        # The headers are those of the latest delivery of this body.
        return verified(replace(arrival, received_at=entry.last_at), application, self._policy)

    def _places(self, wanted: Wanted, limit: int) -> Iterator[tuple[Place, str]]:
        if wanted.body is not None:
            yield (date.min, Position(0, "")), wanted.body
            return
        day = wanted.after[0] if wanted.after else wanted.first
        left = limit
        while day and wanted.last and day <= wanted.last and left > 0:
            after = wanted.after[1] if wanted.after and wanted.after[0] == day else None
            found = self._store.of_day(wanted.application, day, after=after, limit=left)
            yield from (((day, position), body) for position, body in found)
            left -= len(found)
            day += timedelta(days=1)


def _in_vain(run: Replayed) -> bool:
    last = [outcome for _, outcome in run.entries[-_IN_VAIN:]]
    return last == [Outcome.UNAVAILABLE] * _IN_VAIN
