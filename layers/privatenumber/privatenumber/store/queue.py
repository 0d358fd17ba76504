"""A work queue between sweep and worker: one message per thing that is due (Amazon SQS)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Protocol

from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_sqs.client import SQSClient

_LOG: Final = logging.getLogger("privatenumber.store")

ENTRIES_PER_REQUEST: Final = 10
"""Most messages that SQS takes in one SendMessageBatch."""


class Message(Protocol):
    """What a worker is told."""

    def to_body(self) -> str:
        """Render the message body."""
        ...


@dataclass(frozen=True, slots=True)
class Work:
    """One message: a binding that was due at ``as_of`` (`times.iso`)."""

    binding_id: str
    as_of: str

    def to_body(self) -> str:
        """Render the message body."""
        return json.dumps({"binding_id": self.binding_id, "as_of": self.as_of})

    @classmethod
    def from_body(cls, body: str) -> Work:
        """Read a message body; raises ValueError when it is not one of ours."""
        try:
            content = json.loads(body)
            return cls(str(content["binding_id"]), str(content["as_of"]))
        except (KeyError, TypeError):
            raise ValueError("not a work message") from None


@dataclass(frozen=True, slots=True)
class Reopening:
    """One message: a closed binding to be bound again for a call, for ``seconds``, unless it is ``until``."""

    binding_id: str
    call: str
    seconds: int
    until: str

    def to_body(self) -> str:
        """Render the message body."""
        return json.dumps(
            {"reopen": self.binding_id, "call": self.call, "seconds": self.seconds, "until": self.until}
        )

    @classmethod
    def from_body(cls, body: str) -> Reopening | None:
        """Read a message body; None for work of another kind. Raises ValueError when it is unreadable."""
        content = json.loads(body)
        if not isinstance(content, dict) or "reopen" not in content:
            return None
        try:
            return cls(
                str(content["reopen"]), str(content["call"]), int(content["seconds"]), str(content["until"])
            )
        except (KeyError, TypeError):
            raise ValueError("not a reopening") from None


@dataclass(frozen=True, slots=True)
class Sent:
    """How many messages the queue took and how many it refused."""

    taken: int
    refused: int


class WorkQueue:
    """Sends work; the worker's event source mapping receives it."""

    def __init__(self, client: SQSClient, url: str) -> None:
        self._client = client
        self._url = url

    def depth(self) -> int:
        """About how many messages wait or are being worked on."""
        wanted: Any = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        answer = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=wanted)
        return sum(int(answer["Attributes"].get(name, 0)) for name in wanted)

    def hint(self, work: Iterable[Message]) -> None:
        """Send what need not arrive, because the table says it too and a sweep asks the table."""
        try:
            self.send(work)
        except (BotoCoreError, ClientError) as error:
            _LOG.warning("no hint to a worker", extra={"cause": type(error).__name__})

    def send(self, work: Iterable[Message], *, delay_s: int = 0) -> Sent:
        """Send messages ten at a time. What the queue refuses is counted, not repeated: it is still due.

        Nobody receives them before ``delay_s`` (at most 900) are over.
        """
        late: dict[str, Any] = {"DelaySeconds": delay_s} if delay_s else {}
        taken = refused = 0
        for batch in _tens(work):
            entries: Any = [
                {"Id": str(n), "MessageBody": one.to_body(), **late} for n, one in enumerate(batch)
            ]
            answer = self._client.send_message_batch(QueueUrl=self._url, Entries=entries)
            taken += len(answer.get("Successful", []))
            refused += len(answer.get("Failed", []))
        return Sent(taken, refused)


def _tens(work: Iterable[Message]) -> Iterator[Sequence[Message]]:
    left = iter(work)
    while batch := list(islice(left, ENTRIES_PER_REQUEST)):
        yield batch
