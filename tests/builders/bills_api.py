"""The function that hands bills out, on tables, a bucket and a queue of moto, with something to work on."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import boto3
import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped] # it has no stubs
from moto import mock_aws

from builders.dynamodb import Table, new_table
from builders.events import ROOT
from builders.keyrings import KEYRING
from builders.pushes import applications_secret
from functions.bills import app
from privatenumber.privacy import open_sealed
from privatenumber.store import clients
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.reconciliation_runs import ReconciliationRun, RunState, RunStore
from privatenumber.store.statements import reconciliation_store, statement_store
from privatenumber.store.versions import Version

NOW = datetime(2026, 10, 8, 3, tzinfo=UTC)
MONTH = "2026-09"
RUN = f"{MONTH}~{'a' * 26}"
ANNA = "arn:aws-cn:iam::123456789012:user/anna"
BEN = "arn:aws-cn:iam::123456789012:user/ben"
DIFFERENCE: dict[str, Any] = {
    "line": "difference",
    "kind": "minutes_diff",
    "cause": "the platform bills one minute more",
    "action": "dispute it",
    "amount": "0.30",
    "quantity": "3",
    "application": "demo-axb",
    "x": "+86170****0001",
    "at": "2026-09-02T01:01:10.000Z",
    "evidence": {"fact": "CALL#demo-axb#abc/CDR#1", "import_line": 7},
    "state": "open",
}
LATE: dict[str, Any] = {**DIFFERENCE, "kind": "late", "amount": "unpriced", "evidence": {}}
STATEMENT: dict[str, Any] = {
    "kind": "statement",
    "month": MONTH,
    "state": "closed",
    "currency": "CNY",
    "total": "114.00",
}
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text(encoding="utf-8"))
_STACKS = itertools.count(1)


@dataclass(frozen=True)
class Answer:
    """An answer as a caller sees it."""

    status: int
    body: Any
    headers: Mapping[str, str]


class Context:
    """What the runtime hands over."""

    aws_request_id = "request-1"

    def get_remaining_time_in_millis(self) -> int:
        return 28_000


@dataclass
class BillsApi:
    """The function, and what it works on."""

    bills: Table
    bindings: Table
    bucket: str
    queue: str
    now: datetime = NOW
    actor: str = ANNA

    def call(
        self,
        route: str,
        *,
        path: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request."""
        event = {
            "routeKey": route,
            "pathParameters": path or {},
            "queryStringParameters": query or {},
            "headers": {"content-type": "application/json", **(headers or {})},
            "body": body if isinstance(body, str) else json.dumps(body) if body is not None else None,
            "requestContext": {
                "requestId": "request-1",
                "authorizer": {"iam": {"userArn": self.actor}},
            },
        }
        with patch("privatenumber.http_serving.utc_now", lambda: self.now):
            answer = app.handler(event, Context())
        return Answer(answer["statusCode"], json.loads(answer["body"]), answer["headers"])

    def state(
        self, lines: Sequence[Mapping[str, Any]] = (), *, month: str = MONTH, **changes: Any
    ) -> Version:
        """Store the next statement of a month."""
        store = statement_store(self.bills.client, self.bills.name)
        document = {**STATEMENT, "month": month, **changes}
        return store.add(month, document, lines, seen=store.latest(month), made_at=NOW)

    def reconcile(self, *lines: Mapping[str, Any], run: str = RUN, **head: Any) -> str:
        """A reconciliation that is done and has found some differences; its id."""
        store = reconciliation_store(self.bills.client, self.bills.name)
        found = {"kind": "reconciliation", "month": MONTH, "result": "differences", "residual": "0.00"} | head
        version = store.add(MONTH, found, lines, seen=store.latest(MONTH), made_at=NOW)
        RunStore(self.bills.client, self.bills.name).add(
            ReconciliationRun(
                id=run,
                month=MONTH,
                files={"calls": f"uploads/{MONTH}/calls.csv"},
                mappings=None,
                state=RunState.DONE,
                requested_at=NOW,
                requested_by=ANNA,
                expires_at=2**31,
                finished_at=NOW,
                result="differences",
                number=version.number,
                hash=version.hash,
            )
        )
        return run

    def found(self, run: str = RUN) -> list[dict[str, Any]]:
        """The differences of a reconciliation as they are shown."""
        shown = self.call("GET /reconciliations/{reconciliation}", path={"reconciliation": run})
        differences: list[dict[str, Any]] = shown.body["differences"]
        return differences

    def dispute(self) -> str:
        """Reconcile, and dispute the one difference; the dispute's id."""
        run = self.reconcile(DIFFERENCE)
        body = {"reconciliation": run, "difference": self.found(run)[0]["id"]}
        return str(self.call("POST /disputes", body=body).body["id"])

    def act(self, dispute: str, act: str, **body: Any) -> Answer:
        """Move a dispute."""
        return self.call(f"POST /disputes/{{dispute}}/{act}", path={"dispute": dispute}, body=body)

    def messages(self) -> list[str]:
        """What the worker is told."""
        told = boto3.client("sqs").receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10)
        return [message["Body"] for message in told.get("Messages", [])]


def described(answer: Answer, route: str) -> None:
    """An answer must be what docs/openapi.yaml says of its route and status."""
    method, path = route.split(" ")
    response = DOCUMENT["paths"][path][method.lower()]["responses"][str(answer.status)]
    if "$ref" in response:
        response = DOCUMENT["components"]["responses"][response["$ref"].rpartition("/")[2]]
    (content,) = response["content"].values()
    schema = {**content["schema"], "components": DOCUMENT["components"]}
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(answer.body)


def problem(answer: Answer) -> str:
    """The name of the problem that an answer tells."""
    return str(answer.body["type"]).rpartition(":")[2]


@contextmanager
def imitated_aws() -> Iterator[None]:
    """One imitation of AWS for a module of tests."""
    variables = {
        "AWS_DEFAULT_REGION": "cn-north-1",
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "KEY_ID": "key",
        "APPLICATIONS_SECRET": "applications",
        "PRICE_LIST": "",
    }
    made = (clients.dynamodb, clients.s3, clients.sqs, clients.secrets, clients.kms)
    with pytest.MonkeyPatch.context() as changed, mock_aws():
        for name, value in variables.items():
            changed.setenv(name, value)
        changed.setattr(KeyringStore, "load", lambda self: KEYRING)
        changed.setattr(
            KeyringStore,
            "unseal",
            lambda self, sealed, context: open_sealed(KEYRING, sealed, context=context),
        )
        for client in made:
            client.cache_clear()
        boto3.client("secretsmanager").create_secret(Name="applications", SecretString=applications_secret())
        yield
        for client in made:
            client.cache_clear()


@contextmanager
def bills_api() -> Iterator[BillsApi]:
    """The function on tables of its own, inside `imitated_aws`."""
    number = next(_STACKS)
    bucket = f"bills-{number}"
    boto3.client("s3").create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "cn-north-1"}
    )
    api = BillsApi(
        bills=new_table(clients.dynamodb(), "BillsTable"),
        bindings=new_table(clients.dynamodb()),
        bucket=bucket,
        queue=boto3.client("sqs").create_queue(QueueName=f"reconciliations-{number}")["QueueUrl"],
    )
    with pytest.MonkeyPatch.context() as changed:
        changed.setenv("BILLS_TABLE", api.bills.name)
        changed.setenv("BINDINGS_TABLE", api.bindings.name)
        changed.setenv("EXCHANGE_BUCKET", bucket)
        changed.setenv("RECONCILIATIONS_QUEUE_URL", api.queue)
        app.rooms.cache_clear()
        yield api
        app.rooms.cache_clear()
