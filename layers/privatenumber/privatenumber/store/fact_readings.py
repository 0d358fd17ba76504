"""Facts read back from the Bills table: of a call, and of a day or a stretch of time by the index of days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from privatenumber.store.fact_rows import (
    DAY_INDEX,
    SHARDS,
    CdrFact,
    EndFact,
    EventFact,
    call_key,
    day_key,
    icid_key,
    number_key,
    read_cdr,
    read_event,
)
from privatenumber.store.imported_facts import Lookups, cdr_came, is_imported, sms_came
from privatenumber.store.items import decode
from privatenumber.store.querying import every_row
from privatenumber.store.reading import Withheld, read_items
from privatenumber.store.sms_rows import SmsFact, read_sms
from privatenumber.times import beijing_day, from_iso, iso

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_OF_A_CALL: Final = frozenset({"cdr", "event"})


class StoreUnavailable(Exception):
    """The table did not take or give facts: nothing may be answered as stored. Says the error code only."""


@dataclass(frozen=True, slots=True)
class SealedRow:
    """What the platform sent, as it is kept, and of which application it is."""

    key: tuple[str, str]
    application: str
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class NumberNotice:
    """Status and cause of a number as a push told them, and when it came (aware UTC)."""

    status: str | None
    cause: str | None
    received_at: datetime


class FactReadings:
    """Facts of calls as they stand in the Bills table, whose name is ``table``. Raises StoreUnavailable."""

    def __init__(self, client: DynamoDBClient, table: str) -> None:
        self._client = client
        self._table = table

    def call(self, application: str, session: str) -> Iterator[CdrFact | EventFact]:
        """All facts of one call, in key order, variants included. `session` is the session token."""
        names = {":pk": {"S": call_key(application, session)}}
        for item in self._query(KeyConditionExpression="pk = :pk", ExpressionAttributeValues=names):
            if item["kind"] in _OF_A_CALL:  # its recordings stand beside them
                yield read_cdr(item) if item["kind"] == "cdr" else read_event(item)

    def sealed(self, keys: Sequence[tuple[str, str]]) -> Iterator[SealedRow]:
        """What was sealed in the facts at these keys, in no order; what is forgotten is missing."""
        wanted = {self._table: [{"pk": pk, "sk": sk} for pk, sk in keys]}
        try:
            for item in read_items(self._client, wanted, consistent=False):
                yield SealedRow((item["pk"], item["sk"]), item["application"], bytes(item["sealed"]))
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(code_of(error)) from error
        except Withheld as error:
            raise StoreUnavailable(str(error)) from error

    def place(self, address: str) -> tuple[str, date, int] | None:
        """Application, day and shard under which a fact is counted; None for one that no day counts.

        ``address`` is partition key, ``/``, sort key.
        """
        pk, _, sk = address.partition("/")
        try:
            found = self._client.get_item(TableName=self._table, Key={"pk": {"S": pk}, "sk": {"S": sk}})
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(code_of(error)) from error
        item = decode(found["Item"]) if "Item" in found else {}
        if "day_key" not in item:
            return None
        _, application, day, shard = item["day_key"].split("#")
        return application, date.fromisoformat(day), int(shard)

    def cdrs_of_day(
        self, application: str, day: date, shards: Iterable[int] = range(SHARDS)
    ) -> Iterator[CdrFact]:
        """CDRs whose call ended on a Beijing day (without end: that arrived on it), by shard and end time.

        The records of one call are in one shard. The index is eventually consistent: a record stored a moment
        ago may be missing. A record that was imported and has been pushed since is left out.
        """
        for cdr in map(read_cdr, self._day("CDR", application, day, shards)):
            if not (is_imported(cdr) and cdr_came(cdr, self.lookups)):
                yield cdr

    def cdrs_between(self, application: str, since: datetime, until: datetime) -> Iterator[CdrFact]:
        """CDRs whose call ended in a stretch of time, both moments included, by day, shard and end time."""
        return map(read_cdr, self._between("CDR", application, since, until))

    def sms_between(self, application: str, since: datetime, until: datetime) -> Iterator[SmsFact]:
        """SMS of a stretch of time, both moments included, by day, shard and time."""
        return map(read_sms, self._between("SMS", application, since, until))

    @property
    def lookups(self) -> Lookups:
        """How the push of an imported record is found."""
        return Lookups(self._icid_known, self.call, self._sms, self.cdrs_between, self.sms_between)

    def _icid_known(self, application: str, icid: str) -> bool:
        key = {"pk": {"S": icid_key(application, icid)}, "sk": {"S": "CDR"}}
        try:
            return "Item" in self._client.get_item(TableName=self._table, Key=key)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(code_of(error)) from error

    def _sms(self, pk: str) -> Iterator[SmsFact]:
        rows = self._query(KeyConditionExpression="pk = :pk", ExpressionAttributeValues={":pk": {"S": pk}})
        return (read_sms(row) for row in rows if row["kind"] == "sms")

    def _between(
        self, kind: str, application: str, since: datetime, until: datetime
    ) -> Iterator[dict[str, Any]]:
        day = beijing_day(since)
        while day <= beijing_day(until):
            for shard in range(SHARDS):
                values = {
                    ":day": {"S": day_key(kind, application, day, shard)},
                    ":since": {"S": iso(since)},
                    ":until": {"S": f"{iso(until)}#~"},
                }
                yield from self._query(
                    IndexName=DAY_INDEX,
                    KeyConditionExpression="day_key = :day AND day_sort BETWEEN :since AND :until",
                    ExpressionAttributeValues=values,
                )
            day += timedelta(days=1)

    def ends_of_day(self, application: str, day: date) -> Iterator[EndFact]:
        """``disconnect`` events of a Beijing day, by shard and time."""
        return map(read_event, self._day("END", application, day))

    def sms_of_day(
        self, application: str, day: date, shards: Iterable[int] = range(SHARDS)
    ) -> Iterator[SmsFact]:
        """SMS that were notified on a Beijing day (their own time), by shard and time.

        An SMS that was imported and has been pushed since is left out.
        """
        for sms in map(read_sms, self._day("SMS", application, day, shards)):
            if not (is_imported(sms) and sms_came(sms, self.lookups)):
                yield sms

    def last_number_state(self, application: str, x: str) -> NumberNotice | None:
        """The state of X as the platform pushed it last (notifications.md §7); ``None``: never."""
        rows = self._query(
            KeyConditionExpression="pk = :pk",
            ExpressionAttributeValues={":pk": {"S": number_key(application, x)}},
            ScanIndexForward=False,
            Limit=1,
        )
        last = next(rows, None)
        if last is None:
            return None
        return NumberNotice(last.get("status"), last.get("cause"), from_iso(last["received_at"]))

    def variants_of_day(
        self, application: str, day: date, shards: Iterable[int] = range(SHARDS)
    ) -> Iterator[CdrFact]:
        """CDRs that contradict a stored one of the same key (`record_conflict`), by the variant's own end."""
        return map(read_cdr, self._day("VARIANT", application, day, shards))

    def _day(
        self, kind: str, application: str, day: date, shards: Iterable[int] = range(SHARDS)
    ) -> Iterator[dict[str, Any]]:
        for shard in shards:
            names = {":day": {"S": day_key(kind, application, day, shard)}}
            yield from self._query(
                IndexName=DAY_INDEX, KeyConditionExpression="day_key = :day", ExpressionAttributeValues=names
            )

    def _query(self, **condition: Any) -> Iterator[dict[str, Any]]:
        return every_row(self._ask, TableName=self._table, **condition)

    def _ask(self, **request: Any) -> Any:
        try:
            return self._client.query(**request)
        except (ClientError, BotoCoreError) as error:
            raise StoreUnavailable(code_of(error)) from error


def code_of(error: ClientError | BotoCoreError) -> str:
    """What an error of the table is called."""
    return str(error.response["Error"]["Code"]) if isinstance(error, ClientError) else type(error).__name__
