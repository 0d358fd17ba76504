"""Reading many items by key: what the table withholds is asked for again, after a moment.

BatchGetItem may answer a part and no error. Whoever took that for all would not see a pause that is running.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode, encode

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ATTEMPTS: Final = 5
FIRST_WAIT_S: Final = 0.02
_KEYS_PER_READ: Final = 100
_CHANCE: Final = SystemRandom()


class Withheld(Exception):
    """The table goes on to withhold items, or the time for asking is over; the text says which."""


def read_items(
    client: DynamoDBClient,
    wanted: Mapping[str, Sequence[Mapping[str, str]]],
    *,
    consistent: bool,
    left: Callable[[], float] | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[dict[str, Any]]:
    """Yield the items of these keys, different ones, by table; what does not exist is missing. In no order.

    ``left`` tells the seconds that reading may still take. Raises Withheld and botocore's errors.
    """
    keys = [(table, key) for table, of_table in wanted.items() for key in of_table]
    for start in range(0, len(keys), _KEYS_PER_READ):
        request: dict[str, Any] = {}
        for table, key in keys[start : start + _KEYS_PER_READ]:
            asked = request.setdefault(table, {"Keys": [], "ConsistentRead": consistent})
            asked["Keys"].append(encode(key))
        yield from _read(client, request, left, sleep)


def _read(
    client: DynamoDBClient,
    request: Any,
    left: Callable[[], float] | None,
    sleep: Callable[[float], None],
) -> Iterator[dict[str, Any]]:
    for attempt in range(ATTEMPTS):
        if attempt:
            wait = FIRST_WAIT_S * 2 ** (attempt - 1) * (0.5 + _CHANCE.random() / 2)
            sleep(wait if left is None else max(0.0, min(wait, left())))
        if left is not None and left() <= 0:
            raise Withheld("out of time")
        answer = client.batch_get_item(RequestItems=request)
        for items in answer["Responses"].values():
            yield from map(decode, items)
        request = answer.get("UnprocessedKeys")
        if not request:
            return
    raise Withheld("unprocessed keys")
