"""What is sent: CloudEvents 1.0 in structured JSON, the same bytes at every attempt."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from privatenumber.privacy import SealBroken, mask
from privatenumber.store.webhook_events import LoggedEvent, seal_context
from privatenumber.times import iso

MEDIA_TYPE: Final = "application/cloudevents+json; charset=utf-8"


def body_of(event: LoggedEvent, unseal: Callable[[bytes, str], bytes], *, full_numbers: bool) -> bytes:
    """The body of an announcement; people's numbers are masked unless ``full_numbers``.

    Numbers that nobody can open any more, since their person was forgotten, are missing.
    """
    data = json.loads(event.data)
    numbers = _numbers(event, unseal)
    if numbers:
        data["numbers"] = {
            role: number if full_numbers else mask(number) for role, number in sorted(numbers.items())
        }
    document = {
        "specversion": "1.0",
        "id": event.id,
        "source": f"/applications/{event.application}",
        "type": event.type,
        "subject": event.about,
        "time": iso(event.at),
        "datacontenttype": "application/json",
        "data": data,
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def _numbers(event: LoggedEvent, unseal: Callable[[bytes, str], bytes]) -> dict[str, str]:
    if event.sealed is None:
        return {}
    try:
        opened: dict[str, str] = json.loads(unseal(event.sealed, seal_context(event.application, event.id)))
    except SealBroken:
        return {}
    return opened
