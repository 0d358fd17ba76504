"""The function that follows facts, as Lambda calls it: batches of the stream in, failures and metrics out."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from moto import mock_aws

from builders.bills import rows as bills_rows
from builders.deployment import table_request
from builders.dynamodb import Table
from builders.events import EVENTS, event_files, function_of, read_event
from builders.pushes import SESSION, SIGNED_AT, A, B, X, applications_secret, event_body, fee_body
from builders.streams import stream_event
from integration.test_follow import Desk, later, rows_of, status
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.calls.telling import Telling
from privatenumber.platform.pushes import parse_push
from privatenumber.settings import Mode
from privatenumber.store import clients
from privatenumber.store.calls import CallState, read_call
from privatenumber.store.contacts import contact_key
from privatenumber.store.facts import FactStore
from privatenumber.store.items import encode
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.numbers import NumberState
from privatenumber.store.recordings import RecordingRow, RecordingStore, recording_sk


class Follow:
    """The function in one environment, and what it printed."""

    def __init__(self, output: pytest.CaptureFixture[str]) -> None:
        from functions.callbacks import follow

        follow.rooms.cache_clear()
        self._module = follow
        self._output = output
        self.printed = ""

    def invoke(self, event: Any) -> list[str]:
        """Sequence numbers of the records that come again."""
        for handler in self._module.logger.handlers:
            handler.stream = sys.stdout  # type: ignore[attr-defined]
        answer = self._module.handler(event, None)
        self.printed += self._output.readouterr().out
        return [failure["itemIdentifier"] for failure in answer["batchItemFailures"]]

    def metric(self, name: str) -> float:
        lines = [json.loads(line) for line in self.printed.splitlines()]
        return sum(sum(line[name]) for line in lines if "_aws" in line and name in line)


def _forget_clients() -> None:
    for name in ("dynamodb", "kms", "secrets", "sqs"):
        getattr(clients, name).cache_clear()


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """A Bindings table and the variables that name it."""
    for name, value in (
        ("AWS_DEFAULT_REGION", "cn-north-1"),
        ("AWS_ACCESS_KEY_ID", "x"),
        ("AWS_SECRET_ACCESS_KEY", "x"),
        ("BINDINGS_TABLE", "bindings"),
        ("BILLS_TABLE", "bills"),
        ("APPLICATIONS_SECRET", "applications"),
        ("OUTBOUND_PROXY", ""),
    ):
        monkeypatch.setenv(name, value)
    _forget_clients()
    with mock_aws():
        for logical_id, name in (("BindingsTable", "bindings"), ("BillsTable", "bills")):
            clients.dynamodb().create_table(**table_request(logical_id, name))
        for name in ("work", "webhooks"):
            url = clients.sqs().create_queue(QueueName=name)["QueueUrl"]
            monkeypatch.setenv(f"{name.upper()}_QUEUE_URL", url)
        clients.secrets().create_secret(Name="applications", SecretString=applications_secret())
        monkeypatch.setenv("KEY_ID", clients.kms().create_key()["KeyMetadata"]["Arn"])
        yield Desk(Table(clients.dynamodb(), "bindings"))
    _forget_clients()


@pytest.fixture
def function(desk: Desk, capsys: pytest.CaptureFixture[str]) -> Follow:
    return Follow(capsys)


def ax_call(desk: Desk) -> dict[str, Any]:
    """The row of an AX call, sealed with the deployment's own keys."""
    arn = clients.kms().list_keys()["Keys"][0]["KeyArn"]
    keyring = KeyringStore(desk.table.client, desk.table.name, clients.kms(), arn).load()
    (entry,) = parse_push(json.dumps(fee_body()).encode()).entries
    fact = fact_of(entry, Reception("demo-ax", SIGNED_AT, keyring, mode=Mode.AX))
    return {"pk": fact.pk, "sk": fact.sk, **fact.item}


def test_states_and_contacts_reach_the_table_and_are_counted(desk: Desk, function: Follow) -> None:
    desk.number()
    rows = [status("9"), status("5", at=later(700), x="+8617010000009"), ax_call(desk)]
    assert function.invoke(stream_event(rows)) == []
    assert desk.state() is NumberState.SUSPENDED
    assert [
        function.metric(name)
        for name in ("NumberStatesApplied", "NumberStatesUnknown", "ContactsRemembered", "Followed")
    ] == [1, 1, 2, 3]
    people = [row["caller"] for row in rows if "caller" in row]
    key = contact_key("demo-ax", people[0], X)
    assert "Item" in desk.table.client.get_item(TableName=desk.table.name, Key=encode(key))


def test_the_row_of_a_call_is_kept_once_a_batch(desk: Desk, function: Follow) -> None:
    """All facts of a batch stand in the table before it is handed out."""
    bills = Table(desk.table.client, "bills")
    facts = [put_fact(bills, body) for body in (event_body("callin"), event_body("disconnect"), fee_body())]
    assert function.invoke(stream_event(facts)) == []
    assert (function.metric("CallsKept"), function.metric("Followed")) == (1, 3)
    (call,) = (read_call(row).says for row in bills_rows(bills) if row["kind"] == "call")
    assert (call.state, call.events) == (CallState.SETTLED, ("callin", "disconnect"))
    assert SESSION not in function.printed


def test_a_recording_that_comes_to_its_end_is_seen_in_the_row_of_its_call(
    desk: Desk, function: Follow
) -> None:
    bills = Table(desk.table.client, "bills")
    fact = put_fact(bills, fee_body())
    store = RecordingStore(bills.client, bills.name)
    key = (fact["pk"], recording_sk("object"))
    pending = RecordingRow(key, "demo", "pending", "file.wav", SIGNED_AT, 2_000_000_000)
    store.add(pending)
    store.replace(replace(pending, state="archived", archived_at=SIGNED_AT, version=2), seen=1)
    (row,) = (row for row in bills_rows(bills) if row["kind"] == "recording")
    assert function.invoke(stream_event([row], name="MODIFY")) == []
    (call,) = (read_call(row).says for row in bills_rows(bills) if row["kind"] == "call")
    assert call.recording == "archived"


def put_fact(bills: Table, body: dict[str, Any]) -> dict[str, Any]:
    """A fact in the table, sealed with the deployment's own keys."""
    arn = clients.kms().list_keys()["Keys"][0]["KeyArn"]
    keyring = KeyringStore(bills.client, "bindings", clients.kms(), arn).load()
    (entry,) = parse_push(json.dumps(body).encode()).entries
    fact = fact_of(entry, Reception("demo", SIGNED_AT, keyring, mode=Mode.AXB))
    FactStore(bills.client, bills.name).put_facts([fact])
    return {"pk": fact.pk, "sk": fact.sk, **fact.item}


def test_a_batch_ends_at_the_first_row_that_fails_and_comes_again_from_there(
    desk: Desk, function: Follow
) -> None:
    """The order of a shard is kept; what was done before it is not done wrong by being done again."""
    desk.number()
    broken = {**ax_call(desk), "sealed": b"\x01\x02k1" + b"x" * 40}
    rows = [status("9"), broken, status("11", at=later(700))]
    assert function.invoke(stream_event(rows)) == [f"{2:021d}"]
    assert (desk.state(), function.metric("NotFollowed")) == (NumberState.SUSPENDED, 1)
    assert function.invoke(stream_event([rows[0], rows[2]])) == []
    assert desk.state() is NumberState.FROZEN


def test_a_table_that_does_not_answer_brings_the_batch_again(desk: Desk, function: Follow) -> None:
    desk.table.client.delete_table(TableName=desk.table.name)
    assert function.invoke(stream_event([status("9")])) == [f"{1:021d}"]


def test_no_line_tells_a_number(desk: Desk, function: Follow) -> None:
    desk.number()
    function.invoke(stream_event([status("9"), ax_call(desk)]))
    function.invoke(stream_event([{**ax_call(desk), "sealed": b"x"}]))
    for secret in (A, A[3:], B[3:], X, X[3:]):
        assert secret not in function.printed


@pytest.mark.parametrize(
    "path",
    [path for path in event_files() if function_of(path) == "FollowFunction"],
    ids=lambda path: path.stem,
)
def test_a_sample_of_the_stream_is_followed(function: Follow, path: Any) -> None:
    assert function.invoke(read_event(path)) == []


def test_the_samples_are_rows_as_the_ingestion_writes_them() -> None:
    sample = read_event(EVENTS / "follow-number-states.json")
    written = stream_event(rows_of({"eventType": "numStatus", "numInfo": [{"number": "+8617010000001"}]}))
    known = written["Records"][0]["dynamodb"]["NewImage"].keys()
    assert sample["Records"][0]["dynamodb"]["NewImage"].keys() >= known


def test_only_states_of_own_numbers_are_told_and_only_their_contacts_remembered(
    desk: Desk, function: Follow, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A push may write anybody's number where an X belongs: what is none of ours is told to nobody."""
    told: list[str] = []
    monkeypatch.setattr(Telling, "tell", lambda _, made: told.extend(each.about for each in made))
    desk.number(x="+8617010000003")
    function.invoke(stream_event([status("9"), status("9", x="+8617010000003"), ax_call(desk)]))
    assert (told, function.metric("ContactsRemembered")) == (["number#+8617010000003"], 0)
