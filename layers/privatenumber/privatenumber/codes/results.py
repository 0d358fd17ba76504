"""Result codes of the API: what each means to us and whether to repeat (result-codes.md).

The key is HTTP status *and* code: 1010010 is a wrong digest with 401 and flow control with 403. The table is
data, ``results.csv``; text of the platform is informative and never parsed.
"""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Final


class Outcome(StrEnum):
    """The one internal set that differing codes of the modes are mapped to (result-codes.md §6)."""

    OK = "ok"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    FULL = "full"
    LIMIT_PER_USER = "limit_per_user"
    NO_RESOURCE = "no_resource"
    NOT_OWNED = "not_owned"
    NUMBER_STATE = "number_state"
    FROZEN = "frozen"
    FLOW = "flow"
    AUTH = "auth"
    LOCKED = "locked"
    INVALID = "invalid"
    WRONG_MODE = "wrong_mode"
    NO_RECORDING = "no_recording"
    TRANSIENT = "transient"
    UNKNOWN = "unknown"


class Retry(StrEnum):
    """When the same request may be sent again (result-codes.md §2)."""

    NEVER = "never"
    NOW = "now"
    AFTER_1_MINUTE = "after_1_minute"
    AFTER_30_MINUTES = "after_30_minutes"
    AFTER_FIX = "after_fix"


ALL_APIS: Final = "all"


@dataclass(frozen=True, slots=True)
class ResultCode:
    """One row: ``text`` is the platform's wording, ``meaning`` and ``remedy`` are ours, for an operator.

    ``apis`` holds API ids (``axb.bind``…) or ``all``. ``known`` is false for a code of no table: worth an
    alarm, since the platform has changed.
    """

    http_status: int
    code: str
    text: str
    meaning: str
    remedy: str
    retry: Retry
    outcome: Outcome
    apis: frozenset[str]
    known: bool = True


# One code, another meaning at one API (result-codes.md §6, ax.md §3, axb.md §2 and §3).
_AT_API: Final[Mapping[tuple[str, str], Outcome]] = {
    ("axb.bind", "1012007"): Outcome.NOT_OWNED,
    ("ax.unbind", "1011001"): Outcome.NOT_FOUND,
    ("axb.unbind", "1012001"): Outcome.NOT_FOUND,
    ("axe.unbind", "1012001"): Outcome.NOT_FOUND,
    ("call.stop", "1010002"): Outcome.NOT_FOUND,
}


@cache
def all_codes() -> tuple[ResultCode, ...]:
    """Every documented code, in order of HTTP status and code."""
    with Path(__file__).with_name("results.csv").open(encoding="utf-8", newline="") as rows:
        return tuple(
            ResultCode(
                http_status=int(row["http_status"]),
                code=row["code"],
                text=row["text"],
                meaning=row["meaning"],
                remedy=row["remedy"],
                retry=Retry(row["retry"]),
                outcome=Outcome(row["outcome"]),
                apis=frozenset(row["apis"].split()),
            )
            for row in csv.DictReader(rows)
        )


def lookup(http_status: int, code: str | None, api: str) -> ResultCode:
    """What an answer means; never raises.

    ``code`` is the ``resultcode`` as text, None when the body held none. A code of no table is judged by
    its status alone (result-codes.md §1). Code ``0`` counts as success only with status 200.
    """
    text = code or ""
    found = _by_key().get((http_status, text))
    if found is None and http_status == 200 and text:
        found = next((row for row in all_codes() if row.code == text), None)
    if found is None or (http_status == 301 and api not in found.apis):
        return _by_status(http_status, text)
    outcome = _AT_API.get((api, text), found.outcome)
    if outcome is found.outcome:
        return found
    retry = Retry.NEVER if outcome is Outcome.NOT_FOUND else found.retry
    return _variant(found, outcome, retry)


@cache
def _by_key() -> dict[tuple[int, str], ResultCode]:
    return {(row.http_status, row.code): row for row in all_codes()}


def _variant(row: ResultCode, outcome: Outcome, retry: Retry) -> ResultCode:
    return ResultCode(
        row.http_status, row.code, row.text, row.meaning, row.remedy, retry, outcome, row.apis, row.known
    )


def _by_status(http_status: int, code: str) -> ResultCode:
    retry, outcome, meaning, remedy = _judged(http_status)
    return ResultCode(
        http_status, code, "", meaning, remedy, retry, outcome, frozenset({ALL_APIS}), known=not code
    )


def _judged(http_status: int) -> tuple[Retry, Outcome, str, str]:
    """The list of result-codes.md §1 for answers without a code, or with one nobody documented."""
    if http_status in {400, 401}:
        return (
            Retry.AFTER_FIX,
            Outcome.AUTH,
            "The platform refuses the signature without a code we know",
            "Check headers, key and secret; send nothing until they are right",
        )
    if http_status == 404:
        return (
            Retry.AFTER_FIX,
            Outcome.INVALID,
            "Nothing answers at this address and path",
            "Compare the application's access address with the console",
        )
    if http_status == 429:
        return Retry.AFTER_1_MINUTE, Outcome.FLOW, "Too many requests", "Wait a minute and send more slowly"
    if http_status >= 500:
        return (
            Retry.NOW,
            Outcome.TRANSIENT,
            "The platform, or something before it, failed",
            "Repeat it; look a bind up first",
        )
    if 200 <= http_status < 300:
        return (
            Retry.NOW,
            Outcome.UNKNOWN,
            "The answer says success but cannot be read",
            "Look the operation up before repeating it",
        )
    return (
        Retry.NEVER,
        Outcome.INVALID,
        "The platform refuses the request for a reason we do not know",
        "Look the code up with the provider and add it to the table",
    )
