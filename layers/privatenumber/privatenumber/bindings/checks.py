"""Rules of single fields that a bind has in common with a change, a partner, a callee or a job.

Errors name the field and the rule, never the value: it may be a person's number.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from privatenumber.bindings.errors import InvalidRequest
from privatenumber.bindings.model import MIN_LIFE_S, Party, Terms
from privatenumber.bindings.records import party
from privatenumber.bindings.rules import DAY_S, ModeRules
from privatenumber.phone import InvalidNumber, normalise
from privatenumber.privacy import Keyring

MAX_CALL_MINUTES: Final = 1440


def read_number(text: str, field: str, *, service: bool = False) -> str:
    """Read a number in any form of numbers.md §1.3; raises InvalidRequest. ``service`` as in `read_party`."""
    try:
        return normalise(text, field=field, service=service)
    except InvalidNumber as error:
        raise InvalidRequest(field, error.rule) from None


def read_party(text: str, field: str, keyring: Keyring, *, service: bool = False) -> Party:
    """Read a person's number in any form of numbers.md §1.3; raises InvalidRequest.

    ``service`` also admits 400, 800 and 95 numbers.
    """
    return party(keyring, read_number(text, field, service=service))


def check_terms(terms: Terms, x: str | None) -> None:
    """Check what a bind and a change have in common; raises InvalidRequest."""
    if terms.b and terms.a.number == terms.b.number:
        raise InvalidRequest("b", "must be another number than a")
    for name, who in (("a", terms.a), ("b", terms.b)):
        if who and who.number == x:
            raise InvalidRequest(name, "must not be the X number itself")
    if terms.direction not in (0, 1, 2):
        raise InvalidRequest("direction", "must be 0 (both), 1 (only A calls) or 2 (only the others call)")
    if not 0 <= terms.max_minutes <= MAX_CALL_MINUTES:
        raise InvalidRequest("max_minutes", f"must be 0 (no limit) to {MAX_CALL_MINUTES}")


def check_partner(partner: Party, a: Party, x: str | None) -> None:
    """Check who is to stand opposite A; raises InvalidRequest."""
    if partner.number == a.number:
        raise InvalidRequest("b", "must be another number than a")
    if partner.number == x:
        raise InvalidRequest("b", "must not be the X number itself")


def check_end(ends_at: datetime, now: datetime, rules: ModeRules, field: str = "ends_at") -> None:
    """Check that an end is neither too near nor too far; raises InvalidRequest."""
    if ends_at.tzinfo is None:
        raise InvalidRequest(field, "must have a time zone")
    if ends_at < now + timedelta(seconds=MIN_LIFE_S):
        raise InvalidRequest(field, f"must lie at least {MIN_LIFE_S} seconds ahead")
    if ends_at > now + timedelta(seconds=rules.longest_s):
        raise InvalidRequest(field, f"must lie at most {rules.longest_s // DAY_S} days ahead")
