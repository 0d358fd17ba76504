"""Signatures of what is sent, and the secrets behind them: Standard Webhooks, symmetric (``v1``).

A receiver knows by it who sent something, what was sent and when. During a rotation two secrets sign, so that
a receiver may know either of them.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

from privatenumber.times import from_iso, iso

PREFIX: Final = "whsec_"
OVERLAP: Final = timedelta(hours=24)
"""So long the secret before the newest one signs, too."""

_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret of a webhook, in the form in which its receiver is told it; it signs until ``until``."""

    text: str = field(repr=False)
    until: datetime | None = None


def new_secret() -> Secret:
    """A secret that nobody knows yet."""
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode("ascii"))


def rotated(known: Sequence[Secret], now: datetime) -> tuple[Secret, ...]:
    """The secrets with a new one in front; while two are valid they stay, so a repetition changes nothing."""
    valid = at(known, now)
    if len(valid) > 1:
        return tuple(valid)
    return (new_secret(), *(Secret(one.text, now + OVERLAP) for one in valid))


def at(known: Sequence[Secret], now: datetime) -> Sequence[Secret]:
    """The secrets that are valid at a moment, the newest first."""
    return [one for one in known if one.until is None or one.until > now]


def headers(known: Sequence[Secret], event_id: str, body: bytes, now: datetime) -> Mapping[str, str]:
    """The headers that go with a body: id, time, and a signature by each valid secret."""
    moment = str(int(now.timestamp()))
    signed = f"{event_id}.{moment}.".encode() + body
    signatures = (_signature(one.text, signed) for one in at(known, now))
    return {
        "webhook-id": event_id,
        "webhook-timestamp": moment,
        "webhook-signature": " ".join(signatures),
    }


def to_bytes(known: Sequence[Secret]) -> bytes:
    """Render secrets, to be sealed."""
    listed = [{"secret": one.text, "until": iso(one.until) if one.until else None} for one in known]
    return json.dumps(listed).encode()


def from_bytes(opened: bytes) -> tuple[Secret, ...]:
    """Read what `to_bytes` has rendered."""
    listed: list[dict[str, Any]] = json.loads(opened)
    return tuple(Secret(one["secret"], from_iso(one["until"]) if one["until"] else None) for one in listed)


def _signature(secret: str, signed: bytes) -> str:
    key = base64.b64decode(secret.removeprefix(PREFIX))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode("ascii")
