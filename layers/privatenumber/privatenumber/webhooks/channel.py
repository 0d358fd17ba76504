"""One attempt to tell a webhook something: signed over HTTPS, or put on the deployment's event bus."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from privatenumber.privacy import SealBroken
from privatenumber.store.announcement_types import AnnouncementType
from privatenumber.store.event_bus import EventBus, NotTaken
from privatenumber.store.webhook_attempts import Attempt
from privatenumber.store.webhook_events import LoggedEvent, Noted, position_of
from privatenumber.store.webhooks import TO_BUS, WebhookRow, seal_context
from privatenumber.times import iso
from privatenumber.webhooks.envelope import MEDIA_TYPE, body_of
from privatenumber.webhooks.posting import Outcome, Posting
from privatenumber.webhooks.signature import from_bytes, headers

_AGENT: Final = "private-number-webhooks/1"


@dataclass(frozen=True, slots=True)
class Channel:
    """Tells webhooks. ``unseal`` opens a value for a context; ``bus`` is made when it is first needed."""

    posting: Posting
    bus: Callable[[], EventBus]
    unseal: Callable[[bytes, str], bytes]

    def tell(self, webhook: WebhookRow, event: LoggedEvent, now: datetime) -> Outcome:
        """Tell a webhook of an event; whatever the receiver does is an outcome."""
        body = body_of(event, self.unseal, full_numbers=webhook.full_numbers)
        if webhook.target == TO_BUS:
            return self._put(event, body)
        try:
            secrets = from_bytes(self.unseal(webhook.sealed or b"", seal_context(webhook.id)))
        except SealBroken:
            return Outcome(False, "secret_unreadable", 0.0)
        about = {"content-type": MEDIA_TYPE, "user-agent": _AGENT}
        return self.posting.post(webhook.target, {**about, **headers(secrets, event.id, body, now)}, body)

    def _put(self, event: LoggedEvent, body: bytes) -> Outcome:
        begun = time.monotonic()
        try:
            self.bus().put(event.type, body.decode(), at=event.at)
        except NotTaken as refused:
            return Outcome(False, f"bus_{refused.detail}", time.monotonic() - begun)
        return Outcome(True, "delivered", time.monotonic() - begun)


def attempted(
    webhook: WebhookRow,
    event: LoggedEvent,
    outcome: Outcome,
    at: datetime,
    *,
    number: int = 1,
    replay: str | None = None,
    given_up: bool = False,
) -> Attempt:
    """An attempt as its log shows it; ``number`` counts those of the event."""
    return Attempt(
        webhook_id=webhook.id,
        at=at,
        event_id=event.id,
        type=event.type,
        about=event.about,
        number=number,
        delivered=outcome.delivered,
        detail=outcome.detail,
        status=outcome.status,
        milliseconds=int(outcome.took_s * 1000),
        replay=replay,
        given_up=given_up,
    )


def ping(webhook: WebhookRow, now: datetime, unique: str) -> LoggedEvent:
    """A test event for one webhook; it is not logged and not repeated."""
    identity = f"ping-{iso(now)}-{unique}"
    return LoggedEvent(
        application=webhook.application,
        about=f"webhook#{webhook.id}",
        position=position_of(Noted(now), 0, identity),
        id=identity,
        type=AnnouncementType.WEBHOOK_PING.value,
        at=now,
        data="{}",
    )
