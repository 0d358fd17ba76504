"""Counting the requests that a boto3 client really sends."""

from __future__ import annotations

from typing import Any

from builders.direct_dynamodb import events_of


class RequestLog:
    """Names of the operations a client sent, in order; made by `log_requests`."""

    def __init__(self) -> None:
        self.operations: list[str] = []

    def clear(self) -> None:
        """Forget what was sent so far."""
        self.operations.clear()

    def _sent(self, event_name: str, **_: Any) -> None:
        self.operations.append(event_name.rpartition(".")[2])


def log_requests(client: Any) -> RequestLog:
    """Log every request of a client from now on, repetitions by botocore included."""
    log = RequestLog()
    events_of(client).register_first("before-send", log._sent)
    return log
