"""Rules and orphan calls in the function that follows facts, as Lambda calls it (users.md U-S09, U-N11)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from builders.bills import rows
from builders.call_rules import Watch
from builders.deployment import table_request
from builders.dynamodb import Table
from builders.ingestion import unseal
from builders.keyrings import KEYRING
from builders.platform import ScriptedTransport, answered
from builders.pushes import SESSION, STRANGER, X, applications_secret, event_body
from builders.relations import put_relation, relation
from builders.streams import stream_event
from functions.callbacks import follow
from privatenumber.bindings.model import Reason, State
from privatenumber.call_policy import NO_RULES
from privatenumber.platform import client as platform
from privatenumber.settings import Mode
from privatenumber.store import clients
from privatenumber.store.keyring import KeyringStore
from privatenumber.times import platform_time, utc_now

RULES = {"calls_per_minute": 1, "orphan_calls": "reopen"}


@dataclass
class Deployment:
    """Both tables, the queue of the worker, and a platform that ends every call."""

    bindings: Table
    bills: Table
    queue: str
    way: ScriptedTransport = field(default_factory=lambda: ScriptedTransport([answered(200, "0")]))

    def push(self, name: str, *, ago_s: float = 0, **info: Any) -> None:
        """Store an event of this moment, or of one that is a little past, and follow it."""
        at = utc_now() - timedelta(seconds=ago_s)
        body = event_body(name, timestamp=platform_time(at), **info)
        found = Watch(self.bills, self.bindings, NO_RULES, now=utc_now()).store(body)
        assert follow.handler(stream_event(found), None) == {"batchItemFailures": []}

    def messages(self) -> list[dict[str, Any]]:
        """What the worker of bindings was told."""
        told = boto3.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [json.loads(message["Body"]) for message in told.get("Messages", [])]


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    made = (clients.dynamodb, clients.kms, clients.secrets, clients.sqs, follow.rooms)
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
        for once in made:
            once.cache_clear()
        for logical_id, name in (("BindingsTable", "bindings"), ("BillsTable", "bills")):
            clients.dynamodb().create_table(**table_request(logical_id, name))
        secret = json.loads(applications_secret())
        secret["applications"][0]["rules"] = RULES
        clients.secrets().create_secret(Name="applications", SecretString=json.dumps(secret))
        queues = {name: clients.sqs().create_queue(QueueName=name)["QueueUrl"] for name in ("work", "hooks")}
        for name, value in {
            "BINDINGS_TABLE": "bindings",
            "BILLS_TABLE": "bills",
            "APPLICATIONS_SECRET": "applications",
            "KEY_ID": "key",
            "WORK_QUEUE_URL": queues["work"],
            "WEBHOOKS_QUEUE_URL": queues["hooks"],
        }.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(KeyringStore, "load", lambda self: KEYRING)
        monkeypatch.setattr(KeyringStore, "unseal", lambda self, sealed, context: unseal(sealed, context))
        bindings, bills = (Table(clients.dynamodb(), name) for name in ("bindings", "bills"))
        ready = Deployment(bindings, bills, queues["work"])
        monkeypatch.setattr(platform, "Urllib3Transport", lambda proxy: ready.way)
        yield ready
        for once in made:
            once.cache_clear()


def test_a_call_that_breaks_a_rule_is_ended_at_the_platform(deployment: Deployment) -> None:
    deployment.push("callin", sessionId="first", ago_s=5)
    deployment.push("callin")
    assert [sent.json for sent in deployment.way.sent] == [{"sessionid": SESSION, "signal": "call_stop"}]
    assert [row["act"] for row in rows(deployment.bills) if row["kind"] == "rule"] == ["stopped"]


def test_a_call_for_which_an_invocation_had_no_time_is_ended_by_its_next_event(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment.push("callin", sessionId="first", ago_s=5)
    with monkeypatch.context() as patch:
        patch.setattr(follow, "STOPS_S", 0.0)
        deployment.push("callin")
    (act,) = (row for row in rows(deployment.bills) if row["kind"] == "rule")
    assert (act["act"], act["code"], deployment.way.sent) == ("stop_failed", "busy", [])
    deployment.push("callout")
    assert [row["act"] for row in rows(deployment.bills) if row["kind"] == "rule"] == ["stopped"]
    assert len(deployment.way.sent) == 1


def test_the_worker_is_told_of_a_caller_whose_binding_ended_a_moment_ago(deployment: Deployment) -> None:
    ended = utc_now() - timedelta(minutes=5)
    put_relation(
        deployment.bindings,
        relation(
            mode=Mode.AX, application="demo", x=X, a=STRANGER, state=State.CLOSED, due_at=None,
            reason=Reason.EXPIRED, updated_at=ended, created_at=ended - timedelta(hours=1),
        ),
        places=(),
    )  # fmt: skip
    deployment.push("disconnect", caller=STRANGER, called=X, subscriptionId=None, stateCode=8014)
    (told,) = deployment.messages()
    assert (told["reopen"], told["seconds"]) == ("binding-1", 1800)
    assert [row["told_by"] for row in rows(deployment.bills) if row["kind"] == "orphan"] == [
        "EVENT#disconnect"
    ]
