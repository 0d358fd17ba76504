"""Conditional writes on DynamoDB whose failure says which condition failed.

A cancelled transaction answers one reason per action, in the order of the request: the position tells which
action was refused. Collisions with other transactions and throttling are no answer about the data
and are repeated.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import SystemRandom
from typing import TYPE_CHECKING, Any, Final

from privatenumber.store.items import decode
from privatenumber.store.versioned import stands_already

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ATTEMPTS: Final = 9
FIRST_WAIT_S: Final = 0.02
LONGEST_WAIT_S: Final = 0.6
_CHANCE: Final = SystemRandom()
_CONDITION: Final = "ConditionalCheckFailed"
_REPEATABLE: Final = frozenset(
    {"TransactionConflict", "ThrottlingError", "ProvisionedThroughputExceeded", "RequestLimitExceeded"}
)


class Refused(Exception):
    """A condition did not hold; nothing was written.

    Attributes
    ----------
    action : name of the first refused action
    positions : places of all refused actions in the request
    found : the item that stood there (None: there was none, or the table did not tell)
    """

    def __init__(self, action: str, positions: tuple[int, ...], found: Mapping[str, Any] | None) -> None:
        super().__init__(f"condition of {action} does not hold")
        self.action = action
        self.positions = positions
        self.found = found


class Contended(Exception):
    """Other writers were in the way at every attempt; nothing was written."""


@dataclass(frozen=True, slots=True)
class Action:
    """One action of a transaction, `{"Put" | "Update" | "Delete": ...}`, under a name for its refusal."""

    name: str
    request: Mapping[str, Mapping[str, Any]] = field(repr=False)


class Writer:
    """Writes, and repeats what got no answer; ``sleep`` and ``random`` (0..1) are parameters for tests."""

    def __init__(
        self,
        client: DynamoDBClient,
        *,
        sleep: Callable[[float], None] = time.sleep,
        random: Callable[[], float] = _CHANCE.random,
    ) -> None:
        self._client = client
        self._sleep = sleep
        self._random = random

    def transact(self, actions: Sequence[Action]) -> None:
        """Write all actions or none. Raises Refused, Contended."""
        request: list[Any] = [_with_old_values(action.request) for action in actions]
        self._repeat(lambda: self._transact_once(actions, request))

    def put(self, name: str, **request: Any) -> None:
        """Write one item under a condition. Raises Refused, Contended."""
        self._repeat(lambda: self._put_once(name, request))

    def _transact_once(self, actions: Sequence[Action], request: list[Any]) -> bool:
        try:
            self._client.transact_write_items(TransactItems=request)
        except self._client.exceptions.TransactionCanceledException as cancelled:
            reasons: Sequence[Mapping[str, Any]] = cancelled.response.get("CancellationReasons", [])
            refused = [n for n, reason in enumerate(reasons) if reason.get("Code") == _CONDITION]
            if refused:
                found = reasons[refused[0]].get("Item")
                raise Refused(
                    actions[refused[0]].name, tuple(refused), decode(found) if found else None
                ) from None
            if any(reason.get("Code") in _REPEATABLE for reason in reasons):
                return False
            raise
        except self._client.exceptions.TransactionInProgressException:
            return False
        return True

    def _put_once(self, name: str, request: Mapping[str, Any]) -> bool:
        try:
            self._client.put_item(ReturnValuesOnConditionCheckFailure="ALL_OLD", **request)
        except self._client.exceptions.ConditionalCheckFailedException as failed:
            if stands_already(failed.response, request["Item"]):
                return True
            found: Any = failed.response.get("Item")
            raise Refused(name, (0,), decode(found) if found else None) from None
        except self._client.exceptions.TransactionConflictException:
            return False
        return True

    def _repeat(self, attempt: Callable[[], bool]) -> None:
        wait = FIRST_WAIT_S
        for left in range(ATTEMPTS - 1, -1, -1):
            if attempt():
                return
            if left:
                self._sleep(wait * (0.5 + self._random()))
                wait = min(wait * 2, LONGEST_WAIT_S)
        raise Contended


def _with_old_values(request: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    return {
        kind: {**details, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
        for kind, details in request.items()
    }
