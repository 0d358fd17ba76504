"""The way to DynamoDB Local: its JSON protocol and nothing more.

botocore signs, resolves and validates each request; in a storm that takes several times as long as the table.
Its client stays the front, with its methods, paginators and exceptions.
"""

from __future__ import annotations

import base64
import json
import os
import threading
from collections.abc import Callable, Mapping
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Errors = Callable[[str, str, Mapping[str, Any]], ClientError]

#: DynamoDB Local looks at the key id only: whoever has another one sees other tables.
_SIGNED: Final = (
    "AWS4-HMAC-SHA256 Credential=storm{process}/20260101/cn-north-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0"
)


class Wire:
    """Requests to DynamoDB Local. ``errors`` makes what botocore raises.

    ``process`` is the one whose tables they are about. Where the ``connection`` is kept decides who shares
    it: each thread has one of its own.
    """

    def __init__(
        self, endpoint: str, errors: Errors, *, process: int | None = None, connection: Any = None
    ) -> None:
        self._place = urlsplit(endpoint).netloc
        self._errors = errors
        self._own = connection or threading.local()
        self._signed = _SIGNED.format(process=process or os.getpid())

    def attach(self, client: DynamoDBClient) -> None:
        """Let a client send its requests this way."""
        vars(client)["_make_api_call"] = self.send

    def send(self, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """Send one request. Raises botocore's errors."""
        status, body = self._post(operation, json.dumps(request, default=_text).encode())
        answer: dict[str, Any] = json.loads(body, object_hook=_opened)
        if status == 200:
            return answer
        code = str(answer.pop("__type", "InternalFailure")).rpartition("#")[2]
        raise self._errors(code, operation, answer)

    def _post(self, operation: str, body: bytes) -> tuple[int, bytes]:
        headers = {
            "X-Amz-Target": f"DynamoDB_20120810.{operation}",
            "Content-Type": "application/x-amz-json-1.0",
            "Authorization": self._signed,
        }
        connection = self._connection()
        try:
            connection.request("POST", "/", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        except (HTTPException, OSError):
            # What it holds of an answer would be read as the next one.
            connection.close()
            raise

    def _connection(self) -> HTTPConnection:
        found: HTTPConnection | None = getattr(self._own, "connection", None)
        if found is None:
            self._own.connection = found = HTTPConnection(self._place, timeout=60)
        return found


def _text(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return base64.b64encode(value).decode()
    raise TypeError(f"{type(value).__name__} is no value of a table")


def _opened(found: dict[str, Any]) -> dict[str, Any]:
    """An object of an answer; binary values, which JSON carries as text, as bytes."""
    binary, several = found.get("B"), found.get("BS")
    if isinstance(binary, str):
        return {"B": base64.b64decode(binary)}
    if several and isinstance(several[0], str):
        return {"BS": [base64.b64decode(each) for each in several]}
    return found


def errors_of(client: DynamoDBClient) -> Errors:
    """What a client of botocore raises."""

    def make(code: str, operation: str, more: Mapping[str, Any]) -> ClientError:
        kind: Any = client.exceptions.from_code(code)
        found: ClientError = kind({"Error": {"Code": code, "Message": code}, **more}, operation)
        return found

    return make
