"""What was refused or could not be read, kept raw and sealed for a replay (notifications.md §2.3).

The envelope holds what that needs: the headers that carry the signature, the route and the body. The same
body again is the same entry.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from privatenumber.platform.pushes import BadEntry, PushKind
from privatenumber.privacy import Keyring, seal, token
from privatenumber.store.fact_writes import QuarantineEntry

#: Headers that are kept: the signature and what is said about the body.
_KEPT_HEADERS = frozenset({"authorization", "x-aksk", "x-wsse", "content-type"})
_LISTS = {PushKind.CDR: ("fee", "feeLst"), PushKind.NUMBER_STATE: ("numStatus", "numInfo")}


@dataclass(frozen=True, slots=True)
class Envelope:
    """A request as it came: signature headers, route (``status`` or ``fee``) and body.

    ``flags`` is what was known of it at the door and is to be remembered with its facts.
    """

    route: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    flags: tuple[str, ...] = ()


def body_token(keyring: Keyring, body: bytes) -> str:
    """A body's name in keys. Keyed: a plain hash of a short push could be guessed back to its numbers."""
    return token(keyring, hashlib.sha256(body).hexdigest(), purpose="body")


def entry_for(
    envelope: Envelope, *, application: str, reason: str, keyring: Keyring, received_at: datetime
) -> QuarantineEntry:
    """The quarantine entry of a request."""
    kept = {name.lower(): value for name, value in envelope.headers.items() if name.lower() in _KEPT_HEADERS}
    head = json.dumps({"route": envelope.route, "headers": kept, "flags": list(envelope.flags)})
    sealed = seal(keyring, head.encode() + b"\n" + envelope.body, context=application)
    return QuarantineEntry(
        application, body_token(keyring, envelope.body), reason, envelope.route, sealed, received_at
    )


def open_envelope(unseal: Callable[[bytes, str], bytes], application: str, sealed: bytes) -> Envelope:
    """The request inside a sealed quarantine entry. Raises SealBroken."""
    head, _, body = unseal(sealed, application).partition(b"\n")
    fields = json.loads(head)
    return Envelope(fields["route"], fields["headers"], body, tuple(fields.get("flags", ())))


def single(kind: PushKind, entry: BadEntry, whole: bytes) -> bytes:
    """The body of a push that holds nothing but this entry, for a replay; `whole` where none can be made."""
    if kind not in _LISTS:
        return whole
    event_type, list_name = _LISTS[kind]
    entries = entry.raw if entry.is_list else [entry.raw]
    try:
        return json.dumps({"eventType": event_type, list_name: entries}, separators=(",", ":")).encode()
    except (ValueError, RecursionError):
        return whole
