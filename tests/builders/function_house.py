"""What a function finds around itself when it runs: its runtime, table, keys and the platform."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import boto3
import pytest
from moto import mock_aws

from builders.bindings import APPLICATION, active_number
from builders.deployment import table_request
from builders.emulator import APP_KEY, SECRET, X1, X2, X3
from privatenumber.store import clients
from privatenumber.store.numbers import NumberStore

TABLE = "Bindings"


@dataclass
class Context:
    """A runtime with time left."""

    left_s: float = 300.0
    aws_request_id: str = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return int(self.left_s * 1000)


@contextmanager
def function_house(
    app: ModuleType, address: str, monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]
) -> Iterator[None]:
    """A function that serves three numbers of an application of the platform at an address.

    ``variables`` are those of its environment that are not the same for all.
    """
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
        forget(app)
        clients.dynamodb().create_table(**table_request("BindingsTable", TABLE))
        numbers = NumberStore(clients.dynamodb(), TABLE)
        for x in (X1, X2, X3):
            numbers.put(active_number(x), seen=None)
        text = json.dumps({"applications": [application_at(address)]})
        secret = clients.secrets().create_secret(Name="applications", SecretString=text)
        common = {
            "BINDINGS_TABLE": TABLE,
            "APPLICATIONS_SECRET": secret["ARN"],
            "KEY_ID": clients.kms().create_key()["KeyMetadata"]["Arn"],
        }
        for name, value in {**common, **variables}.items():
            monkeypatch.setenv(name, value)
        yield
    forget(app)


def application_at(address: str, **changes: Any) -> dict[str, Any]:
    """An entry of the applications' secret."""
    return {
        "id": APPLICATION,
        "app_key": APP_KEY,
        "secrets": [SECRET],
        "mode": "AXB",
        "base_url": address,
        "callback_token": "callback-token-0001",
        "tps": 0,
        **changes,
    }


def forget(app: ModuleType) -> None:
    """Make a function start anew: what it and the clients made once is made again."""
    for module in (app, clients):
        for name in dir(module):
            getattr(getattr(module, name), "cache_clear", lambda: None)()


def messages(queue: str) -> list[dict[str, str]]:
    """What an event source mapping would hand to the worker."""
    received = boto3.client("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
    return [
        {"messageId": message["MessageId"], "body": message["Body"]}
        for message in received.get("Messages", [])
    ]
