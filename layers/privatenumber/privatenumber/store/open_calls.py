"""Calls of a binding that are under way, by the rows of its calls in the Bills table.

A row follows its facts a moment later, whatever their order; a call without a hang-up and a record stays
under way here, so whoever asks knows how long he believes that.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from privatenumber.store.call_search import CallSearch, Index, Kind
from privatenumber.store.calls import read_call

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MOST: Final = 50
"""So many calls of a binding, newest first, are looked at."""


class OpenCalls:
    """Reads calls. ``table`` is the name of the Bills table."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._search = CallSearch(client, table)

    def begun(
        self, application: str, binding_id: str, *, since: datetime, until: datetime
    ) -> tuple[datetime, ...]:
        """When those calls of a binding began whose end is not known, of those that began between two
        moments by the platform's clock.

        No call begins after the first word of it reached us: where the platform's clock is ahead of ours,
        that moment counts. Raises Withheld and botocore's errors.
        """
        found = self._search.newest(
            Kind.CALL, application, (Index.BINDING,), binding_id, since=since, until=until, limit=MOST
        )
        calls = (read_call(item).says for item in self._search.rows(found))
        return tuple(
            min(call.started_at, call.received_at or call.started_at) for call in calls if not call.over
        )
