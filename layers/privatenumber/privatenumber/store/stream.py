"""What a table's stream hands to a function: new rows and changed ones, decoded.

In the JSON of an event binary values are Base64 text; in everything else they are bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from privatenumber.store.items import decode


@dataclass(frozen=True, slots=True)
class Inserted:
    """A row that was written for the first time. ``sequence`` names its record in the batch."""

    sequence: str
    row: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Changed:
    """A row that was written, with what it was before (None: it is new), and when. ``sequence`` as above."""

    sequence: str
    before: Mapping[str, Any] | None = field(repr=False)
    after: Mapping[str, Any] = field(repr=False)
    at: datetime


def changed(event: Mapping[str, Any]) -> Iterator[Changed]:
    """The rows that a batch says were written, in order; rows that went away are passed over."""
    for record in event["Records"]:
        change = record["dynamodb"]
        if record["eventName"] in ("INSERT", "MODIFY"):
            before = change.get("OldImage")
            yield Changed(
                change["SequenceNumber"],
                _row(before) if before else None,
                _row(change["NewImage"]),
                datetime.fromtimestamp(float(change["ApproximateCreationDateTime"]), UTC),
            )


def inserted(event: Mapping[str, Any]) -> Iterator[Inserted]:
    """The rows that a batch of stream records says were inserted, in order; other records are passed over."""
    for record in event["Records"]:
        if record["eventName"] == "INSERT":
            change = record["dynamodb"]
            yield Inserted(change["SequenceNumber"], _row(change["NewImage"]))


def _row(image: Mapping[str, Any]) -> Mapping[str, Any]:
    return decode({name: _value(value) for name, value in image.items()})


def _value(value: Mapping[str, Any]) -> Any:
    ((kind, content),) = value.items()
    if kind == "B":
        return {kind: base64.b64decode(content)}
    if kind == "BS":
        return {kind: [base64.b64decode(each) for each in content]}
    if kind == "M":
        return {kind: {name: _value(member) for name, member in content.items()}}
    if kind == "L":
        return {kind: [_value(member) for member in content]}
    return dict(value)
