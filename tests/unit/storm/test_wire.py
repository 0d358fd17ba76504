"""What the way to DynamoDB Local makes of requests and answers: botocore's, as far as the layer can tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from builders.direct_dynamodb import Wire

KEY = {"pk": {"S": "one"}, "sk": {"S": "-"}}


class Refused(ClientError):
    """What an error becomes."""

    def __init__(self, code: str, operation: str, more: Mapping[str, Any]) -> None:
        super().__init__({"Error": {"Code": code, "Message": code}}, operation)
        self.code, self.operation, self.more = code, operation, more


class Table(Wire):
    """A table that answers as told and keeps what it was sent."""

    def __init__(self, status: int, answer: Mapping[str, Any]) -> None:
        super().__init__("http://127.0.0.1:1", Refused, owner="local")
        self.answer = status, json.dumps(answer).encode()
        self.asked: Any = None

    def _post(self, operation: str, body: bytes) -> tuple[int, bytes]:
        self.asked = json.loads(body)
        return self.answer


def test_binary_values_travel_as_text_and_come_back_as_bytes() -> None:
    table = Table(200, {"Item": {"B": {"B": "AAE="}, "many": {"L": [{"BS": ["AAE=", "/w=="]}]}}})
    answer = table.send("PutItem", {"Item": {"sealed": {"B": b"\0\1"}, "set": {"BS": [b"\xff"]}}})
    assert table.asked == {"Item": {"sealed": {"B": "AAE="}, "set": {"BS": ["/w=="]}}}
    assert answer["Item"] == {"B": {"B": b"\0\1"}, "many": {"L": [{"BS": [b"\0\1", b"\xff"]}]}}


def test_an_error_keeps_its_code_and_its_reasons() -> None:
    reasons = [{"Code": "None"}, {"Code": "ConditionalCheckFailed"}]
    kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException"
    table = Table(400, {"__type": kind, "Message": "no", "CancellationReasons": reasons})
    with pytest.raises(Refused) as refused:
        table.send("TransactWriteItems", {"TransactItems": []})
    assert refused.value.code == "TransactionCanceledException"
    assert refused.value.more["CancellationReasons"] == reasons


def test_what_is_no_value_of_a_table_is_no_request() -> None:
    with pytest.raises(TypeError):
        Table(200, {}).send("GetItem", {"Key": KEY, "Limit": object()})
