"""All X numbers of an application, for rent and for the price of a call; read-only."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from privatenumber.store.numbers import NumberStore, XNumber

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_PAGE: Final = 200


class Inventory:
    """The numbers an application holds or held, returned ones included."""

    def __init__(self, client: DynamoDBClient, bindings_table: str) -> None:
        self._numbers = NumberStore(client, bindings_table)

    def numbers(self, application: str) -> Iterator[XNumber]:
        """Every number of an application, by rank. Read from an index: the last moment may be missing."""
        after: str | None = None
        while True:
            page = self._numbers.page(application, limit=_PAGE, after=after)
            yield from page.numbers
            if page.next_rank is None:
                return
            after = page.next_rank
