"""Paths: what they lead to, and what they name. An id that cannot be one is not looked up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from privatenumber.bindings.bootstrap import Rooms
from privatenumber.bindings.errors import BindingNotFound, PartnerNotFound
from privatenumber.http_api import SESSION_RULE, Response, is_session_id
from privatenumber.http_request import InvalidFields, Request

Route = Callable[[Rooms, Request], Response]
"""Answers the requests of one method and path."""

_ID: Final = re.compile(r"[a-z0-9]{1,64}", re.ASCII)


def binding_id(request: Request) -> str:
    """Return the id of the binding; raises BindingNotFound."""
    identity = request.path.get("id", "")
    if not _ID.fullmatch(identity):
        raise BindingNotFound
    return identity


def partner_id(request: Request) -> str:
    """Return the id of the partner; raises PartnerNotFound."""
    identity = request.path.get("partner", "")
    if not _ID.fullmatch(identity):
        raise PartnerNotFound
    return identity


def session_id(request: Request) -> str:
    """Return the platform's `sessionId` of a call (recording-and-call-stop.md §3); raises InvalidFields.

    It may contain phone numbers: it goes to the platform, and neither to a log nor to an answer.
    """
    session = request.path.get("session", "")
    if not is_session_id(session):
        raise InvalidFields(("session", SESSION_RULE))
    return session


def binding_path(identity: str) -> str:
    """Where a binding is found."""
    return f"/bindings/{identity}"


def partner_path(identity: str, partner: str) -> str:
    """Where a partner of a binding is found."""
    return f"{binding_path(identity)}/partners/{partner}"


def subject(request: Request) -> str | None:
    """What a request is about, as a log may name it: the path of a binding or partner, None for others."""
    identity, partner = request.path.get("id", ""), request.path.get("partner", "")
    if not _ID.fullmatch(identity):
        return None
    return partner_path(identity, partner) if _ID.fullmatch(partner) else binding_path(identity)
