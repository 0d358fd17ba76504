"""Of which application a request about calls is."""

from __future__ import annotations

from privatenumber.calls.rooms import CallRooms
from privatenumber.http_request import InvalidFields


def configured(rooms: CallRooms, application: object) -> str:
    """Return an application that is configured. Raises InvalidFields."""
    if not isinstance(application, str) or not _is_configured(rooms, application):
        raise InvalidFields(("application", "is not configured"))
    return application


def _is_configured(rooms: CallRooms, application: str) -> bool:
    # It may have been added a moment ago.
    load = rooms.applications.load
    return application in load() or application in load(refresh=True)
