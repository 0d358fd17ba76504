"""What kinds of rows there are for an erasure, and when what a row tells of began and ended. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from privatenumber.times import iso

CALL, SMS = "CALL#", "SMS#"
BINDING: Final = "binding"
PLACE: Final = "place"
CONTACT: Final = "contact"
BAR: Final = "barred"
JOB: Final = "job"
JOB_ITEM: Final = "job_item"
QUARANTINE: Final = "quarantine"
PAGE: Final = "bill_lines"
ANNOUNCEMENT: Final = "announcement"
RECORDING: Final = "recording"
FACTS: Final = frozenset({"event", "cdr", "sms", "decision"})
DERIVED: Final = frozenset({"call", "message"})
ENDED: Final = frozenset({"CLOSED", "FAILED"})
"""States of a binding that is over."""


_BY_PREFIX: Final[Mapping[tuple[str, str], str]] = {
    ("BINDING", "BINDING"): BINDING,
    ("PARTY", "PLACE"): PLACE,
    ("PARTY", "LAST"): CONTACT,
    ("PARTY", "REFUSED"): "refusal",
    ("JOB", "JOB"): JOB,
    ("JOB", "ITEM"): JOB_ITEM,
    ("STATEMENT", "LINES"): PAGE,
    ("DAY", "LINES"): PAGE,
    ("RECONCILIATION", "LINES"): PAGE,
}
_UNTOUCHED: Final = frozenset({"ERASURE", "ERASURES", "KEYRING", "AUDIT"})
"""Own rows, the keys, and who did what: none of them holds a person, and none may be written here."""

_OF_AN_APPLICATION: Final = frozenset(
    {
        *(
            "PARTY",
            "PAIR",
            "ORDER",
            "REFUSED",
            "BARRED",
            "DRIFT",
            "DAY",
            "COUNT",
            "QUARANTINE",
            "CALL",
            "SMS",
        ),
        *("EVENTS", "WORKLIST", "WEBHOOKS", "STATISTICS"),
    }
)
"""First words of keys whose second one is an application."""

_OTHER_KINDS: Final = frozenset({"JOB", "DRIFT"})
"""Rows whose attribute `kind` says something else."""

_MOMENTS: Final = frozenset(
    {
        *("at", "received_at", "created_at", "updated_at", "first_at", "last_at", "started_at"),
        *("call_in_at", "called_out_at", "alerting_at", "answered_at", "ended_at", "failed_at"),
    }
)


def kind_of(item: Mapping[str, Any]) -> str:
    """The kind of a row, as counts name it."""
    first, second = (str(item[name]).partition("#")[0] for name in ("pk", "sk"))
    if "kind" in item and first not in _OTHER_KINDS:
        return str(item["kind"])
    return _BY_PREFIX.get((first, second), first.lower())


def untouched(item: Mapping[str, Any]) -> bool:
    """Whether a row is nothing for an erasure to look at."""
    return str(item["pk"]).partition("#")[0] in _UNTOUCHED


def of_call_or_sms(item: Mapping[str, Any]) -> bool:
    """Whether a row stands in the partition of a call or an SMS, whose rows are erased together."""
    return str(item["pk"]).startswith((CALL, SMS))


def application_of(item: Mapping[str, Any]) -> str | None:
    """The application that a row belongs to; None for a row of all of them."""
    if "application" in item:
        return str(item["application"])
    prefix, _, rest = str(item["pk"]).partition("#")
    return rest.partition("#")[0] if prefix in _OF_AN_APPLICATION else None


def began_by(item: Mapping[str, Any], moment: datetime) -> bool:
    """Whether what a row tells of had begun by a moment; what tells no time had."""
    moments = _moments(item)
    return not moments or min(moments) <= iso(moment)


def over_before(item: Mapping[str, Any], moment: datetime) -> bool:
    """Whether everything that a row tells happened before a moment; what tells no time did not."""
    moments = _moments(item)
    return bool(moments) and max(moments) < iso(moment)


def _moments(item: Mapping[str, Any]) -> list[str]:
    return [str(item[name]) for name in _MOMENTS if item.get(name)]
