"""The event bus that business systems of the same account listen to (Amazon EventBridge)."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

SOURCE: Final = "private-number"


class NotTaken(Exception):
    """The bus did not take an event; ``detail`` is its code, or the kind of error that there was instead."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class EventBus:
    """Puts events on the bus, one by one: their order is the caller's."""

    def __init__(self, client: EventBridgeClient, bus: str) -> None:
        self._client = client
        self._bus = bus

    def put(self, type_: str, detail: str, *, at: datetime) -> None:
        """Put an event; ``detail`` is a JSON object. Raises NotTaken."""
        entry = {
            "Source": SOURCE,
            "DetailType": type_,
            "Detail": detail,
            "EventBusName": self._bus,
            "Time": at,
        }
        try:
            answer = self._client.put_events(Entries=[entry])  # type: ignore[list-item]
        except ClientError as error:
            raise NotTaken(error.response["Error"]["Code"]) from None
        except BotoCoreError as error:
            raise NotTaken(type(error).__name__) from None
        if answer["FailedEntryCount"]:
            raise NotTaken(answer["Entries"][0].get("ErrorCode", "refused"))
