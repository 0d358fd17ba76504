"""How many active X a pool needs by city, as the forecast of its bindings says, in the Bindings table.

``POOL#<app>`` / ``NEED`` is the last forecast of an application. Whoever plans returns goes by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import encode
from privatenumber.store.reading import read_items
from privatenumber.times import from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_SORT: Final = "NEED"


@dataclass(frozen=True, slots=True)
class PoolNeed:
    """Active numbers that the bindings of the last ``days`` would have needed, by area code.

    A city without bindings is not in it. ``complete`` is False when not every binding was looked at: then
    the numbers are too low.
    """

    application: str
    as_of: datetime
    days: int
    complete: bool
    numbers: Mapping[str, int]


class PoolNeeds:
    """The last forecast of each application."""

    def __init__(self, client: DynamoDBClient, bindings_table: str) -> None:
        self._client = client
        self._table = bindings_table

    def put(self, need: PoolNeed) -> None:
        """Replace a forecast, unless the one that stands there is younger."""
        item = {
            **_key(need.application),
            "application": need.application,
            "as_of": iso(need.as_of),
            "days": need.days,
            "complete": need.complete,
            "numbers": dict(need.numbers),
        }
        try:
            self._client.put_item(
                TableName=self._table,
                Item=encode(item),
                ConditionExpression="attribute_not_exists(pk) OR as_of <= :as_of",
                ExpressionAttributeValues=encode({":as_of": item["as_of"]}),
            )
        except self._client.exceptions.ConditionalCheckFailedException:
            return

    def get_many(self, applications: Iterable[str]) -> dict[str, PoolNeed]:
        """The last forecasts, of the applications that have one. Raises Withheld."""
        keys = [_key(application) for application in applications]
        found = map(_need, read_items(self._client, {self._table: keys}, consistent=True)) if keys else ()
        return {need.application: need for need in found}


def _key(application: str) -> dict[str, str]:
    return {"pk": f"POOL#{application}", "sk": _SORT}


def _need(item: Mapping[str, Any]) -> PoolNeed:
    return PoolNeed(
        application=item["application"],
        as_of=from_iso(item["as_of"]),
        days=int(item["days"]),
        complete=bool(item["complete"]),
        numbers={area: int(count) for area, count in item["numbers"].items()},
    )
