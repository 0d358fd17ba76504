"""Releasing everything of ours on an X: a preview first, and its confirmation within ten minutes.

The number becomes draining first, so that no other binding comes meanwhile, and stays so until people change
it. Each binding ends by a job that releases it by its own id. The platform's own unbind of a whole X, which
asks nobody and tells nothing (axb.md §3), is not used. What the platform holds beyond ours is shown, not
touched.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hmac import compare_digest
from typing import Final

from privatenumber.bindings.draining import drain
from privatenumber.bindings.drift import Difference, Kind, compare
from privatenumber.bindings.drift_reading import held_on, living_on
from privatenumber.bindings.engine import Engine
from privatenumber.bindings.errors import InvalidRequest, StateConflict
from privatenumber.bindings.jobs_model import MAX_LISTED, JobCommand
from privatenumber.bindings.jobs_model import Kind as JobKind
from privatenumber.bindings.jobs_report import Progress
from privatenumber.bindings.model import Binding, State
from privatenumber.bindings.numbers import private_number
from privatenumber.bindings.references import check_why
from privatenumber.deadline import Deadline
from privatenumber.privacy import token
from privatenumber.settings import Mode
from privatenumber.store.whole_x import Release, WholeXStore

VALID_FOR: Final = timedelta(minutes=10)
SHOWN: Final = 100
"""So many of what the platform holds beyond ours are shown."""

_CONFIRMATION: Final = re.compile(r"([0-9a-f]{1,10})\.[a-z2-7]{26}", re.ASCII)
_LISTS: Final = frozenset({Mode.AX, Mode.AXB, Mode.AXYB})

_NOT_OURS: Final = "is not one that a preview of this number has answered"

CreateJob = Callable[..., tuple[Progress, bool]]
"""`JobService.create`."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a release of X would end: ``ours`` bindings of ours. ``platform`` is what stands there by the
    platform's word, None where it lists no X; ``beyond`` is what would be left of it.
    """

    x: str
    application: str
    ours: int
    platform: int | None
    beyond: tuple[Difference, ...]
    confirmation: str
    valid_until: datetime


@dataclass(frozen=True, slots=True)
class Started:
    """A release that was confirmed, and the job that does it."""

    release: Release
    job: Progress


@dataclass(frozen=True, slots=True)
class _Sides:
    application: str
    ours: tuple[Binding, ...]
    platform: int | None
    beyond: tuple[Difference, ...]


class WholeX:
    """Releases of whole X numbers in the name of the engine's actor."""

    def __init__(self, engine: Engine, store: WholeXStore, create_job: CreateJob) -> None:
        self._engine = engine
        self._store = store
        self._create_job = create_job

    def preview(self, x: str, *, deadline: Deadline) -> Preview:
        """Count and show; nothing is written. Raises InvalidRequest, PlatformError."""
        x = private_number(x, field="x")
        sides = self._look(x, deadline)
        valid_until = self._engine.clock().replace(microsecond=0) + VALID_FOR
        return Preview(
            x=x,
            application=sides.application,
            ours=len(sides.ours),
            platform=sides.platform,
            beyond=sides.beyond[:SHOWN],
            confirmation=self._confirmation(x, sides, valid_until),
            valid_until=valid_until,
        )

    def confirm(self, x: str, confirmation: str, *, deadline: Deadline) -> Started:
        """Start what was previewed; the same confirmation again is the same release.

        Raises InvalidRequest (no reason, or no confirmation of this X), StateConflict when it is too old or
        something has come or gone since the preview, PlatformError.
        """
        x = private_number(x, field="x")
        why = self._engine.why
        check_why(why)
        if not why:
            raise InvalidRequest("why", "is required: a release of a whole number stays in the audit")
        valid_until = _valid_until(confirmation)
        known = self._store.get(x, confirmation)
        if known is None:
            known = self._written(x, confirmation, valid_until, why, deadline)
        return Started(known, self._job(known, deadline))

    def _written(
        self, x: str, confirmation: str, valid_until: datetime, why: str, deadline: Deadline
    ) -> Release:
        now = self._engine.clock()
        if valid_until > now + VALID_FOR:
            raise InvalidRequest("confirmation", _NOT_OURS)
        if valid_until <= now:
            raise StateConflict("previewed", "the preview is older than ten minutes: ask for a new one")
        sides = self._look(x, deadline)
        if not compare_digest(confirmation, self._confirmation(x, sides, valid_until)):
            raise StateConflict(
                "previewed", "this number carries something else by now: ask for a new preview"
            )
        ids = tuple(sorted(one.id for one in sides.ours))
        if not ids:
            raise StateConflict("previewed", "this number carries no binding of ours")
        if not drain(self._engine, x, sides.application):
            raise StateConflict("previewed", "this number has gone to another application")
        actor = self._engine.actor
        release = Release(x, sides.application, confirmation, actor, why, now, sides.platform, ids)
        return self._store.put(release)

    def _job(self, release: Release, deadline: Deadline) -> Progress:
        """The job follows from what was written down: after a crash in between it is the same one."""
        items = tuple(json.dumps({"binding_id": one}) for one in release.binding_ids)
        command = JobCommand(
            kind=JobKind.RELEASE,
            application=release.application,
            idempotency_key=f"release-all {release.confirmation}",
            created_by=release.by,
            items=items,
            reason=release.why,
        )
        job, _ = self._create_job(command, deadline=deadline)
        return job

    def _look(self, x: str, deadline: Deadline) -> _Sides:
        engine = self._engine
        number = engine.numbers.get(x)
        if number is None:
            raise InvalidRequest("x", "is not registered")
        application = number.application
        living = living_on(engine, application, x)
        held = held_on(engine, application, x, living, deadline)
        found = compare(living, held, engine.clock())
        beyond = tuple(one for one in found if one.kind is Kind.PLATFORM_ONLY)
        ours = tuple(one for one in living if one.state is not State.RELEASING)
        if len(ours) > MAX_LISTED:
            raise InvalidRequest("x", f"carries more than {MAX_LISTED} bindings")
        lists = engine.platforms(application).application.mode in _LISTS
        return _Sides(application, ours, len(held) if lists else None, beyond)

    def _confirmation(self, x: str, sides: _Sides, valid_until: datetime) -> str:
        """Bound to the number, to what stands on it on either side, and to the time."""
        ids = hashlib.sha256("\0".join(sorted(one.id for one in sides.ours)).encode()).hexdigest()
        epoch = int(valid_until.timestamp())
        content = json.dumps([x, sides.application, ids, len(sides.ours), sides.platform, epoch])
        return f"{epoch:x}.{token(self._engine.keyring, content, purpose='release-all')}"


def _valid_until(confirmation: str) -> datetime:
    """Read until when a confirmation is good; raises InvalidRequest for a text that is none."""
    form = _CONFIRMATION.fullmatch(confirmation)
    if form is None:
        raise InvalidRequest("confirmation", _NOT_OURS)
    try:
        return datetime.fromtimestamp(int(form[1], 16), UTC)
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest("confirmation", _NOT_OURS) from None
