"""The tables of an account on moto: facts as callbacks leave them, bindings and numbers, and the books."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
from moto import mock_aws

from builders.billing import EXAMPLE_PRICES
from builders.dynamodb import Table, new_table
from builders.keyrings import KEYRING
from builders.pushes import APP_ID, APP_KEY, cdr_entry, event_body, fee_body
from privatenumber.billing.ledger import Ledger
from privatenumber.billing.tariff.prices import PriceBook
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import Keyring, open_sealed
from privatenumber.settings import Mode
from privatenumber.store.closes import CloseStore
from privatenumber.store.disputes import DisputeStore
from privatenumber.store.facts import FactStore
from privatenumber.store.files import FileStore
from privatenumber.store.inventory import Inventory
from privatenumber.store.items import decode, encode
from privatenumber.store.month_looks import LookStore
from privatenumber.store.numbers import NumberState, NumberStore, NumberType, XNumber
from privatenumber.store.orders import OrderStore
from privatenumber.store.statements import correction_store, reconciliation_store, statement_store
from privatenumber.times import platform_time

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_s3.client import S3Client

_BUCKETS = itertools.count(1)


@dataclass
class Books:
    """An account's tables. `ledger()` opens the books as one run of the function does."""

    dynamodb: DynamoDBClient
    s3: S3Client
    bills: Table
    bindings: Table
    bucket: str

    def ledger(self, prices: PriceBook = EXAMPLE_PRICES, client: Any = None, **parts: Any) -> Ledger:
        """Fresh books; `client` stands between them and the Bills table; `parts` are further fields."""
        bills, bindings = self.bills.name, self.bindings.name
        writer = client or self.dynamodb
        return Ledger(
            applications={APP_ID: APP_KEY},
            numbers=list(Inventory(self.dynamodb, bindings).numbers(APP_ID)),
            prices=prices,
            facts=FactStore(self.dynamodb, bills),
            closes=CloseStore(writer, bills),
            orders=OrderStore(self.dynamodb, bindings),
            statements=statement_store(writer, bills),
            corrections=correction_store(writer, bills),
            reconciliations=reconciliation_store(writer, bills),
            disputes=DisputeStore(writer, bills),
            looks=LookStore(writer, bills),
            files=FileStore(self.s3, self.bucket),
            keyring=lambda: KEYRING,
            unseal=lambda sealed, context: open_sealed(KEYRING, sealed, context=context),
            **parts,
        )

    def push(
        self,
        body: Mapping[str, Any],
        *,
        at: datetime,
        application: str = APP_ID,
        mode: Mode | None = None,
        keyring: Keyring = KEYRING,
    ) -> None:
        """Store what a push says, as the callbacks function does."""
        reception = Reception(application, at, keyring, mode=mode)
        facts = [fact_of(entry, reception) for entry in parse_push(json.dumps(body).encode()).entries]
        FactStore(self.dynamodb, self.bills.name).put_facts(facts)

    def cdr(self, *, at: datetime, **changes: Any) -> None:
        """Store one CDR."""
        self.push(fee_body(cdr_entry(**changes)), at=at)

    def hang_up(self, *, at: datetime, **changes: Any) -> None:
        """Store a hang-up event."""
        self.push(event_body("disconnect", **changes), at=at)

    def bind(self, order: str, subscription_id: str, x: str) -> None:
        """Put what billing reads of a binding."""
        item = {
            "pk": f"BINDING#{order}",
            "sk": "BINDING",
            "subscription_key": f"{APP_ID}#{subscription_id}",
            **{
                "order": order,
                "binding_id": f"binding-{order}",
                "x": x,
                "area": "0755",
                "application": APP_ID,
            },
        }
        self.dynamodb.put_item(TableName=self.bindings.name, Item=encode(item))

    def forget_binding(self, order: str) -> None:
        """What TTL does to a binding one day."""
        key = encode({"pk": f"BINDING#{order}", "sk": "BINDING"})
        self.dynamodb.delete_item(TableName=self.bindings.name, Key=key)

    def number(
        self,
        x: str,
        *,
        issued_on: date | None = None,
        unsubscribed_on: date | None = None,
        state: NumberState = NumberState.ACTIVE,
    ) -> None:
        """Register a virtual number, or describe it anew."""
        number = XNumber(x, APP_ID, "0755", NumberType.VIRTUAL, state, issued_on, unsubscribed_on)
        store = NumberStore(self.dynamodb, self.bindings.name)
        store.put(number, seen=store.get_many([x]).get(x))

    def upload(self, key: str, data: bytes) -> str:
        """Put a file into the exchange bucket."""
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=data)
        return key

    def rows(self, prefix: str) -> list[dict[str, Any]]:
        """Rows of the Bills table whose partition key begins so, in key order."""
        items = self.dynamodb.scan(TableName=self.bills.name)["Items"]
        found = [item for item in map(decode, items) if item["pk"].startswith(prefix)]
        return sorted(found, key=lambda item: (item["pk"], item["sk"]))


@contextmanager
def account_books() -> Iterator[Books]:
    """Empty tables and an empty bucket, alive while the block runs."""
    with mock_aws():
        session = boto3.Session("moto", "moto", region_name="cn-north-1")
        dynamodb, s3 = session.client("dynamodb"), session.client("s3")
        bucket = f"exchange-{next(_BUCKETS)}"
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "cn-north-1"})
        yield Books(
            dynamodb, s3, new_table(dynamodb, "BillsTable"), new_table(dynamodb, "BindingsTable"), bucket
        )


def call(number: int, talk_s: int, hour: int = 1, day: int = 2, **changes: Any) -> dict[str, Any]:
    """A CDR that ended `talk_s` seconds after the full hour, UTC."""
    begin = datetime(2026, 9, day, hour, tzinfo=UTC)
    return cdr_entry(
        icid=f"icid-{number}",
        sessionId=f"session-{number}",
        fwdAnswerTime=platform_time(begin),
        callEndTime=platform_time(begin + timedelta(seconds=talk_s)),
        **changes,
    )


class PowerCut(BaseException):
    """The process is gone."""


def power_cut() -> None:
    raise PowerCut


class Interrupted:
    """A client that does something before its put after the first `before_put` ones."""

    def __init__(self, client: Any, *, before_put: int, do: Any) -> None:
        self._client = client
        self._left = before_put
        self._do = do

    def put_item(self, **request: Any) -> Any:
        self._left -= 1
        if self._left == -1:
            self._do()
        if self._left < -1 and self._do is power_cut:
            raise PowerCut
        return self._client.put_item(**request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)
