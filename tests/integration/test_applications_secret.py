"""The applications' credentials: cached, refreshed on demand, never lost to a bad update (auth.md §12)."""

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import boto3
import pytest
from moto import mock_aws

from privatenumber.settings import SettingsError
from privatenumber.store.secrets import MAX_AGE_S, MIN_AGE_S, ApplicationsSecret

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

NAME = "applications"


def document(*secrets: str) -> str:
    entry: dict[str, Any] = {
        "id": "ride",
        "app_key": "demoAppKey0000000000000001",
        "secrets": secrets,
        "mode": "AXB",
        "base_url": "https://platform.example",
        "callback_token": "callback-token-0001",
    }
    return json.dumps({"applications": [entry]})


class Environment:
    def __init__(self, client: "SecretsManagerClient") -> None:
        self.seconds = 1000.0
        self.client = client
        self.secret = ApplicationsSecret(client, NAME, monotonic=lambda: self.seconds)

    def secrets(self, *, refresh: bool = False) -> tuple[str, ...]:
        return self.secret.load(refresh=refresh)["ride"].secrets

    def store(self, text: str) -> None:
        self.client.put_secret_value(SecretId=NAME, SecretString=text)


@pytest.fixture
def environment() -> Iterator[Environment]:
    with mock_aws():
        client = boto3.client(
            "secretsmanager", "cn-north-1", aws_access_key_id="x", aws_secret_access_key="x"
        )
        client.create_secret(Name=NAME, SecretString=document("old"))
        made = Environment(client)
        assert made.secrets() == ("old",)
        yield made


def test_a_copy_serves_for_five_minutes(environment: Environment) -> None:
    environment.store(document("new", "old"))
    environment.seconds += MAX_AGE_S - 1
    assert environment.secrets() == ("old",)
    environment.seconds += 1
    assert environment.secrets() == ("new", "old")


def test_a_rotation_arrives_on_request_but_not_at_any_rate(environment: Environment) -> None:
    """Forged pushes ask for a refresh each; they get one in ten seconds."""
    environment.store(document("new", "old"))
    environment.seconds += MIN_AGE_S - 1
    assert environment.secrets(refresh=True) == ("old",)
    environment.seconds += 1
    assert environment.secrets(refresh=True) == ("new", "old")
    with patch.object(environment.client, "get_secret_value") as asked:
        environment.secrets(refresh=True)
    asked.assert_not_called()


def test_a_late_answer_does_not_bring_old_credentials_back(environment: Environment) -> None:
    """A frozen environment may hear an answer hours after it was asked for, and after a newer one."""
    answers = [environment.client.get_secret_value(SecretId=NAME)]
    environment.store(document("new", "old"))

    def asked(**request: Any) -> Any:
        if not answers:
            return real(**request)
        late = answers.pop()
        environment.seconds += MAX_AGE_S
        assert environment.secrets() == ("new", "old")
        return late

    real = environment.client.get_secret_value
    environment.seconds += MAX_AGE_S
    with patch.object(environment.client, "get_secret_value", asked):
        assert environment.secrets() == ("new", "old")
    assert environment.secrets() == ("new", "old")


def test_an_unreadable_update_keeps_the_last_good_copy(
    environment: Environment, caplog: pytest.LogCaptureFixture
) -> None:
    environment.store("{")
    environment.seconds += MAX_AGE_S
    assert environment.secrets() == ("old",)
    assert "applications not refreshed" in caplog.messages


def test_a_first_copy_that_cannot_be_read_is_an_error(environment: Environment) -> None:
    environment.store("{")
    with pytest.raises(SettingsError):
        ApplicationsSecret(environment.client, NAME).load()
