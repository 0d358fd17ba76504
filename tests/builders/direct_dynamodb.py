"""The way to DynamoDB Local: its JSON protocol and nothing more.

botocore signs, resolves and validates each request, which takes several times as long as the table. Its
client stays the front, with its methods, paginators and exceptions; tests on moto go all the way through it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError
from urllib3 import HTTPConnectionPool, Retry
from urllib3.util import parse_url

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

Errors = Callable[[str, str, Mapping[str, Any]], ClientError]

#: DynamoDB Local looks at the key id only: whoever has another one sees other tables.
_SIGNED: Final = (
    "AWS4-HMAC-SHA256 Credential={owner}/20260101/cn-north-1/dynamodb/aws4_request, "
    "SignedHeaders=host, Signature=0"
)
#: As botocore's standard mode: what a server failed to do is tried three times in all.
_AGAIN: Final = Retry(
    2, status_forcelist=(500, 502, 503, 504), allowed_methods=None, raise_on_status=False, backoff_factor=0.05
)


class Wire:
    """Requests to DynamoDB Local, by so many connections. ``errors`` makes what botocore raises.

    ``owner`` is the access key id of those whose tables they are about.
    """

    def __init__(self, endpoint: str, errors: Errors, *, owner: str, connections: int = 64) -> None:
        place = parse_url(endpoint)
        self._pool = HTTPConnectionPool(
            str(place.host), place.port, maxsize=connections, block=True, timeout=60, retries=_AGAIN
        )
        self._errors = errors
        self._signed = _SIGNED.format(owner=owner)

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
        answer = self._pool.urlopen("POST", "/", body, headers)
        return answer.status, answer.data


def events_of(client: DynamoDBClient) -> Any:
    """The events of a client, which from now on sends its requests all the way through botocore."""
    vars(client).pop("_make_api_call", None)
    return client.meta.events


def errors_of(client: DynamoDBClient) -> Errors:
    """What a client of botocore raises."""

    def make(code: str, operation: str, more: Mapping[str, Any]) -> ClientError:
        kind: Any = client.exceptions.from_code(code)
        message = str(more.get("message") or more.get("Message") or code)
        found: ClientError = kind({"Error": {"Code": code, "Message": message}, **more}, operation)
        return found

    return make


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
