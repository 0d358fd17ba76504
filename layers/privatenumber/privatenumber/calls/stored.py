"""A stored record as it was pushed, read again from its sealed raw."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeAlias

from privatenumber.calls.relations import Unseal
from privatenumber.platform.pushes import CallEvent, Cdr, SmsNotice, parse_push
from privatenumber.store.fact_rows import CdrFact, EventFact
from privatenumber.store.sms_rows import SmsFact

Record: TypeAlias = Cdr | CallEvent | SmsNotice


def entry_of(record: CdrFact | EventFact | SmsFact, unseal: Unseal) -> Record:
    """The record of a fact. Raises SealBroken."""
    return _read_again(record.sealed, record.application, unseal, cdr=isinstance(record, CdrFact))


def entry_of_row(row: Mapping[str, Any], unseal: Unseal) -> Record:
    """The record of a row as the stream of the table brings it. Raises SealBroken."""
    return _read_again(bytes(row["sealed"]), row["application"], unseal, cdr=row["kind"] == "cdr")


def _read_again(sealed: bytes, application: str, unseal: Unseal, *, cdr: bool) -> Record:
    raw = json.loads(unseal(sealed, application))
    body = {"eventType": "fee", "feeLst": [raw]} if cdr else raw
    (entry,) = parse_push(json.dumps(body).encode()).entries
    if not isinstance(entry, Cdr | CallEvent | SmsNotice):
        raise TypeError(f"a stored record reads as a {type(entry).__name__}")
    return entry
