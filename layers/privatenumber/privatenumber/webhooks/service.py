"""What business systems may do with webhooks: make, read, change, end, test, rotate, enable, replay."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from privatenumber.addresses import AddressRefused
from privatenumber.network import Resolve
from privatenumber.numbers_in_text import holds_number
from privatenumber.privacy import Keyring, open_sealed, seal, token
from privatenumber.settings import WebhookTargets
from privatenumber.store.announcement_types import patterns
from privatenumber.store.webhook_attempts import WebhookAttempts
from privatenumber.store.webhook_events import KEPT
from privatenumber.store.webhook_replays import ReplayRow, WebhookReplays, replay_key
from privatenumber.store.webhooks import (
    NoSuchWebhook,
    State,
    WebhookRow,
    WebhookStore,
    seal_context,
    webhook_id,
)
from privatenumber.times import Clock, iso
from privatenumber.webhooks import model, targets
from privatenumber.webhooks.channel import Channel, attempted, ping
from privatenumber.webhooks.posting import Outcome
from privatenumber.webhooks.recovery import enable, note_gone
from privatenumber.webhooks.replay import ROW_KEPT
from privatenumber.webhooks.signature import Secret, at, from_bytes, new_secret, rotated, to_bytes

DELETED_KEPT: Final = timedelta(days=30)


class InvalidWebhook(Exception):
    """A field that breaks a rule, without its value."""

    def __init__(self, field: str, rule: str) -> None:
        super().__init__(f"{field}: {rule}")
        self.field = field
        self.rule = rule


class KeyReused(Exception):
    """The Idempotency-Key was used for other content before."""


class ReplayRunning(Exception):
    """The webhook is told something again already."""


class NoSuchReplay(Exception):
    """No replay of the webhook has this id (any more)."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A webhook as somebody asks for it."""

    application: str
    target: str
    events: tuple[str, ...]
    full_numbers: bool = False
    description: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """What is to be changed of a webhook; None leaves a field as it is."""

    target: str | None = None
    events: tuple[str, ...] | None = None
    full_numbers: bool | None = None
    description: str | None = None
    disable: bool = False


@dataclass(frozen=True, slots=True)
class Shown:
    """A webhook with its secrets that are valid, for whoever makes or rotates them."""

    row: WebhookRow
    secrets: Sequence[Secret]
    new: bool = False


@dataclass(frozen=True, slots=True)
class Webhooks:
    """The operations. Those that open a seal raise SealBroken where the keys that are known are too old."""

    store: WebhookStore
    attempts: WebhookAttempts
    replays: WebhookReplays
    channel: Channel
    keyring: Callable[[], Keyring]
    allowed: WebhookTargets
    applications: Callable[[], Sequence[str]]
    resolve: Resolve
    clock: Clock

    def create(self, wanted: Wanted, *, by: str, key: str | None) -> Shown:
        """Make a webhook; by the same Idempotency-Key the one that was made before.

        Raises InvalidWebhook, KeyReused, TooMany, Contended.
        """
        if wanted.application not in self.applications():
            raise InvalidWebhook("application", "is not one of this deployment")
        self._check(wanted.target, wanted.events, wanted.description)
        ring, now = self.keyring(), self.clock()
        unique = token(ring, f"{wanted.application}\0{key}", purpose="webhook") if key else _unique()
        identity = webhook_id(wanted.application, unique)
        row = WebhookRow(
            id=identity,
            application=wanted.application,
            target=wanted.target,
            events=tuple(sorted(wanted.events)),
            full_numbers=wanted.full_numbers,
            state=State.ENABLED.value,
            created_at=now,
            created_by=by,
            updated_at=now,
            updated_by=by,
            content_hash=token(
                ring, repr(replace(wanted, events=tuple(sorted(wanted.events)))), purpose="webhook-content"
            ),
            sealed=seal(ring, to_bytes([new_secret()]), context=seal_context(identity)),
            description=wanted.description,
        )
        known = self.store.add(row)
        if known is not None and (known.content_hash != row.content_hash or known.state == State.DELETED):
            raise KeyReused
        return self._shown(known or row, new=known is None)

    def get(self, identity: str) -> WebhookRow:
        """One webhook. Raises NoSuchWebhook."""
        row = self.store.get(identity)
        if row is None or row.state == State.DELETED:
            raise NoSuchWebhook
        return row

    def list(self, application: str) -> Sequence[WebhookRow]:
        """The webhooks of an application, at most ten."""
        return self.store.of_application(application)

    def change(self, identity: str, changes: Changes, *, by: str) -> WebhookRow:
        """Change a webhook; what it has failed before is forgotten with a new target.

        Raises InvalidWebhook, NoSuchWebhook, Overtaken.
        """
        self._check(changes.target, changes.events, changes.description)
        now = self.clock()

        def changed(row: WebhookRow) -> WebhookRow:
            after = replace(
                row,
                target=row.target if changes.target is None else changes.target,
                events=row.events if changes.events is None else tuple(sorted(changes.events)),
                full_numbers=row.full_numbers if changes.full_numbers is None else changes.full_numbers,
                description=row.description if changes.description is None else changes.description,
            )
            if after.target != row.target and after.state == State.ENABLED:
                after = replace(after, failures=0, failing_since=None, paused_until=None, slow=False)
            if changes.disable:
                after = model.switched_off(after, model.Why.REQUEST, now)
            return row if after == row else replace(after, updated_at=now, updated_by=by)

        return self.store.change(identity, changed)

    def delete(self, identity: str, *, by: str) -> None:
        """End a webhook, its secrets with it; one that is ended stays so. Raises NoSuchWebhook, Overtaken."""
        now = self.clock()
        row = self.store.get(identity)
        if row is None:
            raise NoSuchWebhook
        if row.state == State.DELETED:
            return
        self.store.change(
            identity,
            lambda found: replace(
                found,
                state=State.DELETED.value,
                sealed=None,
                due_at=None,
                updated_at=now,
                updated_by=by,
                expires_at=int((now + DELETED_KEPT).timestamp()),
            ),
        )

    def rotate(self, identity: str, *, by: str) -> Shown:
        """Give a webhook a new secret beside the one it has, for a day; within it, the same again.

        Raises NoSuchWebhook, Overtaken, SealBroken.
        """
        ring, now = self.keyring(), self.clock()

        def renewed(row: WebhookRow) -> WebhookRow:
            known = self._secrets(row, ring)
            after = rotated(known, now)
            if after == tuple(at(known, now)):
                return row
            sealed = seal(ring, to_bytes(after), context=seal_context(row.id))
            return replace(row, sealed=sealed, updated_at=now, updated_by=by)

        return self._shown(self.store.change(identity, renewed))

    def ping(self, identity: str) -> Outcome:
        """Send a test event now, once; who wants nothing any more is disabled. Raises NoSuchWebhook."""
        row, now = self.get(identity), self.clock()
        event = ping(row, now, _unique()[:8])
        outcome = self.channel.tell(row, event, now)
        self.attempts.add(attempted(row, event, outcome, now), unique=_unique()[:8])
        if outcome.gone:
            note_gone(self.store, row, now=now)
        return outcome

    def enable(self, identity: str, *, by: str) -> WebhookRow:
        """Enable a webhook and tell it what it has missed. Raises NoSuchWebhook, Overtaken."""
        return enable(self.store, identity, now=self.clock(), by=by)

    def replay(
        self, identity: str, start: datetime, end: datetime | None, *, by: str, key: str | None
    ) -> ReplayRow:
        """Tell a webhook again what was noted in a range of time; by the same key the same replay.

        Raises NoSuchWebhook, InvalidWebhook, KeyReused, ReplayRunning, Overtaken.
        """
        row, now = self.get(identity), self.clock()
        unique = token(self.keyring(), f"{identity}\0{key}", purpose="webhook-replay") if key else _unique()
        known = self.replays.get(replay_key(identity, unique)) if key else None
        if known is None:
            if row.state != State.ENABLED:
                raise InvalidWebhook("state", "must be enabled: enabling tells what was missed")
            until = min(end or now, now)
            if not now - KEPT <= start < until:
                raise InvalidWebhook("from", "must lie before to and at most 30 days back")
            known = self._begin(identity, unique, start, until, by=by)
        if (iso(known.start), known.created_by) != (iso(start), by):
            raise KeyReused
        return known

    def _begin(self, identity: str, unique: str, start: datetime, until: datetime, *, by: str) -> ReplayRow:
        """Write a replay down, in one transaction with the mark that one is under way."""
        now = self.clock()
        asked = ReplayRow(
            id=unique,
            webhook_id=identity,
            start=start,
            end=until,
            catch_up=False,
            created_at=now,
            created_by=by,
            expires_at=int((now + ROW_KEPT).timestamp()),
            due_at=now,
        )

        def begun(row: WebhookRow) -> WebhookRow:
            if row.replaying not in (None, unique):
                raise ReplayRunning
            return replace(row, replaying=unique)

        self.store.change(identity, begun, beside=lambda _: asked)
        return self.replays.get(asked.key) or asked

    def find_replay(self, identity: str, replay_id: str) -> ReplayRow:
        """One replay. Raises NoSuchReplay."""
        found = self.replays.get(replay_key(identity, replay_id))
        if found is None:
            raise NoSuchReplay
        return found

    def _check(self, target: str | None, events: Sequence[str] | None, description: str | None) -> None:
        for field, text in (("target", target), ("description", description)):
            if text and holds_number(text):
                raise InvalidWebhook(field, "must not contain a phone number: it is kept in clear")
        if events is not None and (not events or not set(events) <= patterns()):
            raise InvalidWebhook("events", "must be a list of types, families such as call.*, or *")
        if target is not None:
            try:
                targets.check(target, self.allowed, self.resolve)
            except AddressRefused as refused:
                raise InvalidWebhook("target", targets.RULES[refused.part]) from None

    def _shown(self, row: WebhookRow, *, new: bool = False) -> Shown:
        return Shown(row, at(self._secrets(row, self.keyring()), self.clock()), new)

    @staticmethod
    def _secrets(row: WebhookRow, ring: Keyring) -> tuple[Secret, ...]:
        return from_bytes(open_sealed(ring, row.sealed or b"", context=seal_context(row.id)))


def _unique() -> str:
    return secrets.token_hex(8)
