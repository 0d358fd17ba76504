"""Errors as problem documents (RFC 9457): the one place where an error about calls gets a status and words.

No document contains anything that a caller sent; the last step masks what looks like a number.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from privatenumber.calls.black_list import InvalidEntry
from privatenumber.calls.counting import NotCountable
from privatenumber.calls.exports import NoSuchExport, OtherContent
from privatenumber.calls.lookup import CallUnknown, MessageUnknown
from privatenumber.calls.replay import ApplicationUnknown, EntryUnknown
from privatenumber.calls.statistics_report import (
    MAX_LINES,
    MAX_PAGES,
    MAX_PAGES_OF_ONE,
    TooManyLines,
    TooMuchToRead,
)
from privatenumber.http_api import Kind
from privatenumber.http_serving import USUAL_KINDS, Described, Problem, invalid
from privatenumber.privacy import SealBroken
from privatenumber.store.worklist import CaseTaken

KINDS: Final[Mapping[str, Kind]] = {
    **USUAL_KINDS,
    "call-not-found": Kind(
        404,
        "Call not found",
        "Use the id of a list, or the sessionId of an event or CDR unchanged and URL-encoded.",
    ),
    "message-not-found": Kind(
        404, "SMS not found", "Use the id of a list, or the smsIdentifier of a notice, URL-encoded."
    ),
    "export-not-found": Kind(404, "Export not found", "Exports are known for 400 days; ask for it again."),
    "entry-not-found": Kind(404, "Entry not found", "Quarantine forgets 31 days after the last delivery."),
    "case-not-found": Kind(404, "Case not found", "GET /worklist lists what there is."),
    "case-closed": Kind(409, "Case is closed", "Read it again: it was resolved, dismissed or has expired."),
    "seal-broken": Kind(409, "Entry cannot be opened", "It was sealed under a key that is gone, or altered."),
    "not-countable": Kind(422, "Day cannot be counted", "What was counted before stays as it is."),
    "too-many-lines": Kind(422, "Answer too long", "Ask for fewer days, longer periods, or only one value."),
    "too-much-to-read": Kind(
        422, "Answer would take too long", "Ask for fewer days, only one value, or a group of fewer values."
    ),
}


class CaseUnknown(Exception):
    """The worklist has no such case."""


DESCRIBED: Final[Described] = {
    InvalidEntry: lambda error: invalid([(error.field, error.rule)]),
    NoSuchExport: lambda error: Problem("export-not-found", "No export has this id."),
    OtherContent: lambda error: Problem(
        "idempotency-mismatch", "The key belongs to an export of something else."
    ),
    NotCountable: lambda error: Problem("not-countable", f"{error}."),
    TooManyLines: lambda error: Problem("too-many-lines", f"There would be more than {MAX_LINES} lines."),
    TooMuchToRead: lambda error: Problem(
        "too-much-to-read",
        f"The days have more than {MAX_PAGES} pages of lines, or {MAX_PAGES_OF_ONE} with only.",
    ),
    EntryUnknown: lambda error: Problem("entry-not-found", "Nothing stands in quarantine under this id."),
    ApplicationUnknown: lambda error: invalid([("application", "is not configured")]),
    SealBroken: lambda error: Problem("seal-broken", "The keyring does not open this entry."),
    CaseUnknown: lambda error: Problem("case-not-found", "The worklist has no such case."),
    CaseTaken: lambda error: Problem("case-closed", "The case is not open, or was changed at this moment."),
    MessageUnknown: lambda error: Problem("message-not-found", "Nothing has arrived of an SMS with this id."),
    CallUnknown: lambda error: Problem("call-not-found", "Nothing has arrived of a call with this id."),
}
