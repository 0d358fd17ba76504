"""Reading what does not fit into one answer: the table is asked again until it has no more."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from privatenumber.store.items import decode


def every_row(ask: Callable[..., Any], **request: Any) -> Iterator[dict[str, Any]]:
    """Every row that a query or scan finds, decoded; the next page is read when somebody wants its rows."""
    start: dict[str, Any] = {}
    while True:
        answer = ask(**request, **start)
        yield from map(decode, answer["Items"])
        if not answer.get("LastEvaluatedKey"):
            return
        start = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}
