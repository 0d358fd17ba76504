"""What a table's stream hands to a function: new rows, decoded.

In the JSON of an event binary values are Base64 text; in everything else they are bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from privatenumber.store.items import decode


@dataclass(frozen=True, slots=True)
class Inserted:
    """A row that was written for the first time. ``sequence`` names its record in the batch."""

    sequence: str
    row: Mapping[str, Any] = field(repr=False)


def inserted(event: Mapping[str, Any]) -> Iterator[Inserted]:
    """The rows that a batch of stream records says were inserted, in order; other records are passed over."""
    for record in event["Records"]:
        if record["eventName"] == "INSERT":
            change = record["dynamodb"]
            image = {name: _value(value) for name, value in change["NewImage"].items()}
            yield Inserted(change["SequenceNumber"], decode(image))


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
