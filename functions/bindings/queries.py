"""What business systems may say outside the body: query strings and the header `Idempotency-Key`.

Every function reads one value and raises InvalidFields with its name and rule, never with the value.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from privatenumber.bindings.model import Reason
from privatenumber.bindings.references import check_why
from privatenumber.http_request import InvalidFields, Request
from privatenumber.numbers_in_text import safe_actor
from privatenumber.phone_areas import AREA_CODE
from privatenumber.store.authors import Author
from privatenumber.store.numbers import NumberState

# An HTTP API hands text/* over as UTF-8 text; a GB18030 file survives only as octets.
XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TABLE_TYPES: Final = ("text/csv", "application/octet-stream", XLSX_TYPE)
TABLE_LIMIT: Final = 1024 * 1024
_VALUE_LENGTH: Final = 128
_AREA: Final = re.compile(AREA_CODE, re.ASCII)
_KEY: Final = re.compile(r"[\x20-\x7e]{1,255}")


def read_idempotency_key(request: Request) -> str | None:
    """Return the header `Idempotency-Key`."""
    key = request.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise InvalidFields(("Idempotency-Key", "must be 1 to 255 printable ASCII characters"))
    return key


def read_author(request: Request) -> Author:
    """Return who asks, and `why` by his own words; raises InvalidRequest."""
    why = request.query.get("why")
    check_why(why)
    return Author(safe_actor(request.actor), why)


def read_reason(query: Mapping[str, str]) -> Reason:
    """Return `reason` of a release; absent means deleted."""
    reason = query.get("reason", Reason.DELETED.value)
    allowed = (Reason.DELETED, Reason.EXPIRED)
    if reason not in allowed:
        raise InvalidFields(("reason", _one_of(allowed)))
    return Reason(reason)


def read_grace(query: Mapping[str, str]) -> int:
    """Return `grace_seconds` of a release; absent means none. The domain knows its limits."""
    text = query.get("grace_seconds", "0")
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise InvalidFields(("grace_seconds", "must be a whole number of seconds"))
    return int(text)


def read_wait(query: Mapping[str, str]) -> int | None:
    """Return `wait_seconds` of a release; absent means as agreed at the bind. The domain knows its limits."""
    text = query.get("wait_seconds")
    if text is None:
        return None
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise InvalidFields(("wait_seconds", "must be a whole number of seconds"))
    return int(text)


def read_filter(query: Mapping[str, str]) -> tuple[str, str]:
    """Return the one filter of a search, `(order | number | x, value)`."""
    given = [(name, query[name]) for name in ("order", "number", "x") if query.get(name)]
    if len(given) != 1:
        raise InvalidFields(("order", "give exactly one of order, number and x"))
    name, value = given[0]
    if len(value) > _VALUE_LENGTH:
        raise InvalidFields((name, f"must have at most {_VALUE_LENGTH} characters"))
    return name, value


def read_area(query: Mapping[str, str]) -> str | None:
    """Return `area` of a list of numbers."""
    area = query.get("area")
    if area is not None and not _AREA.fullmatch(area):
        raise InvalidFields(("area", "must be an area code such as 0755 or 010"))
    return area


def read_state(query: Mapping[str, str]) -> NumberState | None:
    """Return `state` of a list of numbers."""
    state = query.get("state")
    if state is not None and state not in tuple(NumberState):
        raise InvalidFields(("state", _one_of(NumberState)))
    return NumberState(state) if state else None


def _one_of(values: Iterable[str]) -> str:
    return f"must be one of {', '.join(values)}"
