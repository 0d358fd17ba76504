"""DynamoDB Local, Amazon's own engine, and a meter for what requests to it cost."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import urllib3

from builders.direct_dynamodb import events_of
from builders.dynamodb import Table, local_client, running_dynamodb_local
from privatenumber.store.items import encode

_BATCH = 25
_READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan", "TransactGetItems"})
_HEADERS = {
    "x-amz-target": "DynamoDB_20120810.BatchWriteItem",
    "content-type": "application/x-amz-json-1.0",
    "authorization": (
        "AWS4-HMAC-SHA256 Credential=local/20260101/cn-north-1/dynamodb/aws4_request, "
        "SignedHeaders=host, Signature=0"
    ),
}
"""DynamoDB Local takes the key id from the signature and does not verify it."""


class Meter:
    """Adds up the capacity that a client's requests consume."""

    def __init__(self, client: Any) -> None:
        self.reset()
        events = events_of(client)
        events.register("provide-client-params.dynamodb", self._ask)
        events.register("after-call.dynamodb", self._add)

    def _ask(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def _add(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity") or {}
        each = consumed if isinstance(consumed, list) else [consumed]
        units = sum(one.get("CapacityUnits", 0.0) for one in each)
        if model.name in _READS:
            self.reads += units
        else:
            self.writes += units
        self.requests += 1

    @property
    def units(self) -> float:
        """Read and write units together."""
        return self.reads + self.writes

    def reset(self) -> None:
        """Start anew."""
        self.reads, self.writes, self.requests = 0.0, 0.0, 0


@contextmanager
def engine() -> Iterator[tuple[Any, Meter]]:
    """DynamoDB Local and a meter on its client."""
    with tempfile.TemporaryDirectory() as folder, running_dynamodb_local(Path(folder)) as endpoint:
        client = local_client(endpoint)
        yield client, Meter(client)


def fill(table: Table, items: Iterable[dict[str, Any]]) -> None:
    """Write items without binary values, twenty-five a request, past boto3: it costs more than the engine."""
    left = iter(items)
    with urllib3.PoolManager() as pool:
        while batch := [{"PutRequest": {"Item": encode(item)}} for item in islice(left, _BATCH)]:
            _write(pool, table, batch)


def _write(pool: urllib3.PoolManager, table: Table, requests: list[Any]) -> None:
    while requests:
        body = json.dumps({"RequestItems": {table.name: requests}})
        answer = pool.request("POST", table.client.meta.endpoint_url, body=body, headers=_HEADERS)
        if answer.status != 200:
            raise RuntimeError(f"DynamoDB Local answered {answer.status}: {answer.data[:300]!r}")
        requests = json.loads(answer.data)["UnprocessedItems"].get(table.name, [])
