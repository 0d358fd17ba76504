"""Result codes of the API: what each means to us and whether to repeat (result-codes.md).

The key is HTTP status *and* code: 1010010 is a wrong digest with 401 and flow control with 403. The tables
are data: ``results.csv``; ``results_at_api.csv`` where one interface gives a code a meaning of its own
(result-codes.md §6); ``statuses.csv`` for answers without a code, or with one nobody documented (§1). Text
of the platform is informative and never parsed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache
from typing import Final, NamedTuple

from privatenumber.codes.texts import Texts, rows_of, texts_of


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
    alarm, since the platform has changed. `explained` has the same in both languages, with the cause.
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


class _Row(NamedTuple):
    result: ResultCode
    texts: Texts


def all_codes() -> tuple[ResultCode, ...]:
    """Every documented code, in order of HTTP status and code."""
    return tuple(row.result for row in _table().values())


def lookup(http_status: int, code: str | None, api: str) -> ResultCode:
    """What an answer means; never raises.

    ``code`` is the ``resultcode`` as text, None when the body held none. A code of no table is judged by
    its status alone (result-codes.md §1). Code ``0`` counts as success only with status 200.
    """
    return _find(http_status, code, api).result


def explained(http_status: int, code: str | None, api: str) -> Texts:
    """What an answer means, what causes it and what to do, in both languages; never raises."""
    return _find(http_status, code, api).texts


def _find(http_status: int, code: str | None, api: str) -> _Row:
    text = code or ""
    found = _table().get((http_status, text))
    if found is None and http_status == 200 and text:
        found = next((row for row in _table().values() if row.result.code == text), None)
    if found is None or (http_status == 301 and api not in found.result.apis):
        return _by_status(http_status, text)
    special = _at_api().get((api, text))
    if special is None:
        return found
    texts = texts_of(special)
    result = replace(
        found.result,
        meaning=texts.meaning.en,
        remedy=texts.remedy.en,
        retry=Retry(special["retry"]),
        outcome=Outcome(special["outcome"]),
    )
    return _Row(result, texts)


@cache
def _table() -> dict[tuple[int, str], _Row]:
    return {
        (int(row["http_status"]), row["code"]): _row(
            row, int(row["http_status"]), row["code"], row["text"], row["apis"]
        )
        for row in rows_of("results.csv")
    }


@cache
def _at_api() -> dict[tuple[str, str], Mapping[str, str]]:
    return {(row["api"], row["code"]): row for row in rows_of("results_at_api.csv")}


@cache
def _statuses() -> dict[str, Mapping[str, str]]:
    return {row["http_status"]: row for row in rows_of("statuses.csv")}


def _by_status(http_status: int, code: str) -> _Row:
    statuses = _statuses()
    row = (
        statuses.get(str(http_status)) or statuses.get(f"{min(http_status // 100, 5)}xx") or statuses["other"]
    )
    found = _row(row, http_status, code, "", ALL_APIS)
    return found if not code else found._replace(result=replace(found.result, known=False))


def _row(row: Mapping[str, str], http_status: int, code: str, text: str, apis: str) -> _Row:
    texts = texts_of(row)
    result = ResultCode(
        http_status=http_status,
        code=code,
        text=text,
        meaning=texts.meaning.en,
        remedy=texts.remedy.en,
        retry=Retry(row["retry"]),
        outcome=Outcome(row["outcome"]),
        apis=frozenset(apis.split()),
    )
    return _Row(result, texts)
