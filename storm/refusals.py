"""How the tables refuse a request: alone, because of one of the items of a transaction, or in part."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

Request = Mapping[str, Any]
ClientErrors = Callable[[str, str, Mapping[str, Any]], ClientError]


def throttled(errors: ClientErrors, operation: str, request: Request, chance: random.Random) -> ClientError:
    """More was asked than the table takes."""
    if operation == "TransactWriteItems":
        return _cancelled(errors, operation, request, "ThrottlingError", chance)
    return errors("ProvisionedThroughputExceededException", operation, {})


def conflict(errors: ClientErrors, operation: str, request: Request, chance: random.Random) -> ClientError:
    """Somebody else writes the same item in this moment."""
    if operation == "TransactWriteItems":
        return _cancelled(errors, operation, request, "TransactionConflict", chance)
    return errors("TransactionConflictException", operation, {})


def unprocessed(request: Request, chance: random.Random) -> dict[str, Any]:
    """What a batch of reads leaves unread, by table: every key but the first ones, at times all of them."""
    keys = [(table, key) for table, asked in request["RequestItems"].items() for key in asked["Keys"]]
    left: dict[str, Any] = {}
    for table, key in keys[chance.randrange(len(keys)) :]:
        left.setdefault(table, {**request["RequestItems"][table], "Keys": []})["Keys"].append(key)
    return left


def _cancelled(
    errors: ClientErrors, operation: str, request: Request, code: str, chance: random.Random
) -> ClientError:
    reasons = [{"Code": "None"} for _ in request["TransactItems"]]
    reasons[chance.randrange(len(reasons))] = {"Code": code}
    return errors("TransactionCanceledException", operation, {"CancellationReasons": reasons})
