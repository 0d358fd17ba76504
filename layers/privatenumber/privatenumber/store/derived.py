"""Rows that are computed from facts: replaced by version, made anew at any time.

The row of a call or an SMS says what all its facts say together. It is computed from the facts and never the
other way round, so whoever finds it missing or old computes it again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from privatenumber.store.items import encode
from privatenumber.store.transactions import Action
from privatenumber.times import from_iso, iso

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Derived(Generic[T]):
    """What facts say together, as the table keeps it.

    ``told`` is what was announced of it, ``sealed`` the numbers of its people, ``expires_at`` in epoch
    seconds.
    """

    says: T
    version: int
    expires_at: int
    told: tuple[str, ...] = ()
    sealed: bytes | None = field(default=None, repr=False)


def write_derived(
    table: str,
    key: Mapping[str, str],
    kind: str,
    row: Derived[Any],
    *,
    places: Mapping[str, str],
    seen: int | None,
) -> Action:
    """Put a row in the place of the version ``seen``, or of none; ``places`` puts it into the indexes."""
    condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(pk)"}
    if seen is not None:
        condition = {
            "ConditionExpression": "#version = :seen",
            "ExpressionAttributeNames": {"#version": "version"},
            "ExpressionAttributeValues": encode({":seen": seen}),
        }
    said = {each.name: _stored(getattr(row.says, each.name)) for each in fields(row.says)}
    item = {
        **{name: value for name, value in said.items() if value is not None and value != []},
        **key,
        **places,
        "kind": kind,
        "version": row.version,
        "told": list(row.told) or None,
        "sealed": row.sealed,
        "expires_at": row.expires_at,
    }
    return Action(kind, {"Put": {"TableName": table, "Item": encode(item), **condition}})


def read_derived(
    says: type[T], item: Mapping[str, Any], *, moments: frozenset[str], **changes: Any
) -> Derived[T]:
    """A row from a decoded item; ``moments`` names the fields that are times, ``changes`` replace fields."""
    names: Any = says
    known = {each.name: item[each.name] for each in fields(names) if each.name in item}
    found = {name: _value(value, moment=name in moments) for name, value in known.items()}
    return Derived(
        says=says(**{**found, **changes}),
        version=int(item["version"]),
        expires_at=int(item["expires_at"]),
        told=tuple(item.get("told", ())),
        sealed=bytes(item["sealed"]) if "sealed" in item else None,
    )


def _stored(value: Any) -> Any:
    if isinstance(value, datetime):
        return iso(value)
    return list(value) if isinstance(value, tuple) else value


def _value(value: Any, *, moment: bool) -> Any:
    if moment:
        return from_iso(value)
    if isinstance(value, Decimal):
        return int(value)
    return tuple(value) if isinstance(value, list) else value
