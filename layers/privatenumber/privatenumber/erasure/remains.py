"""What an erasure leaves, why, and until when: said in every certificate, and in docs/security.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Remaining:
    """Something that stays. ``until`` says when it goes by itself."""

    what: str
    why: str
    until: str


STAYS: Final = (
    Remaining(
        "billing facts: X, times, talk, minutes, causes, icid, subscriptionId, order id",
        "the bill has to be proven and recomputed; people stand in it under pseudonyms nobody can resolve",
        "facts by their own retention; closes and statements for good",
    ),
    Remaining(
        "keyed digests of pushed records",
        "a repetition has to be told from news; without the whole record they tell no number",
        "with the fact",
    ),
    Remaining(
        "bindings that ended, without numbers",
        "who did what to an order; the other person's token stays his",
        "400 days after the end",
    ),
    Remaining("the audit", "it holds neither numbers nor tokens", "AuditDays"),
    Remaining(
        "entries of the black list",
        "who was barred stays barred, unless the erasure was to lift it",
        "the end of the entry",
    ),
    Remaining(
        "masked numbers in the differences of a comparison with the platform",
        "they name nobody",
        "90 days after the comparison",
    ),
)
"""What stays in the tables."""

EXPIRES: Final = (
    Remaining("point-in-time recovery of both tables", "backups cannot be edited", "35 days"),
    Remaining("streams of both tables", "they cannot be edited", "24 hours"),
    Remaining(
        "files in the exchange bucket: imports, exports, job files", "they are not ours to edit", "31 days"
    ),
    Remaining(
        "messages to webhooks that are on their way", "they say what was true when it was told", "24 hours"
    ),
    Remaining(
        "what the platform keeps: details 31 days, recordings 7 days", "it is the platform's", "31 days"
    ),
    Remaining("what webhooks were told before", "subscribers have to be asked", "not by itself"),
)
"""What no erasure reaches."""
