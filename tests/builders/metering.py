"""DynamoDB Local, Amazon's own engine, and a meter for what requests to it cost."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from builders.dynamodb import Table, local_client, running_dynamodb_local
from privatenumber.store.items import encode

_BATCH = 25


class Meter:
    """Adds up the capacity that a client's requests consume."""

    def __init__(self, client: Any) -> None:
        self.units = 0.0
        self.requests = 0
        client.meta.events.register("provide-client-params.dynamodb", self._ask)
        client.meta.events.register("after-call.dynamodb", self._add)

    def _ask(self, params: dict[str, Any], model: Any, **_: Any) -> None:
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"

    def _add(self, parsed: dict[str, Any], **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity") or {}
        each = consumed if isinstance(consumed, list) else [consumed]
        self.units += sum(one.get("CapacityUnits", 0.0) for one in each)
        self.requests += 1

    def reset(self) -> None:
        """Start anew."""
        self.units, self.requests = 0.0, 0


@contextmanager
def engine() -> Iterator[tuple[Any, Meter]]:
    """DynamoDB Local and a meter on its client."""
    with tempfile.TemporaryDirectory() as folder, running_dynamodb_local(Path(folder)) as endpoint:
        client = local_client(endpoint)
        yield client, Meter(client)


def fill(table: Table, items: Iterable[dict[str, Any]]) -> None:
    """Write items, twenty-five a request."""
    batch: list[Any] = []
    for item in items:
        batch.append({"PutRequest": {"Item": encode(item)}})
        if len(batch) == _BATCH:
            _write(table, batch)
            batch = []
    if batch:
        _write(table, batch)


def _write(table: Table, requests: list[Any]) -> None:
    while requests:
        answer = table.client.batch_write_item(RequestItems={table.name: requests})
        requests = list(answer["UnprocessedItems"].get(table.name, []))
