"""Nothing that a stack leaves behind shows a person's number or a session; read after everything else.

Issue: "no full phone number or sessionId in any table key, index, log line or error of the demo (a test
reads them all)". X numbers belong to the company: tables and answers hold them, logs mask them too.
"""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from builders.deployed import TENANTS, person
from builders.disclosure import Leak, Secrets, Trace, traces
from builders.played import Played
from builders.pushes import SESSION
from local.plays.axb_order import STRANGER, A, B, C
from local.stack import Stack, logs
from privatenumber.times import utc_now


@pytest.fixture(scope="module")
def secrets(stack: Stack, played: Played) -> Secrets:
    """Everybody who took part in the demo or another test, and every session the platform had."""
    calls = stack.platform.get("calls")["calls"]
    people = {A, B, C, STRANGER, *(person(tenant, n) for tenant in TENANTS for n in range(20))}
    return Secrets(
        numbers=people | {call["caller"] for call in calls},
        sessions={SESSION, *(call["session_id"] for call in calls)},
    )


@pytest.fixture(scope="module")
def everything(stack: Stack, played: Played) -> list[Trace]:
    return list(traces(stack))


def test_the_demo_leaves_no_number_and_no_session(everything: list[Trace], secrets: Secrets) -> None:
    """U-D15, U-N16, F3: every attribute of every item, every log line, every waiting message."""
    assert secrets.search(everything) == []


def test_the_api_answers_no_persons_number(played: Played, secrets: Secrets) -> None:
    """U-D01, U-N16: parties appear masked only."""
    assert len(played.answers) >= 8
    assert secrets.search(played.answers) == []


def test_the_demo_prints_no_persons_number(played: Played, secrets: Secrets) -> None:
    """U-D15: a demo is shown to people."""
    printed = [Trace("print", "demo", line) for line in played.said.splitlines()]
    assert secrets.search(printed) == []


def test_everything_was_read(stack: Stack, everything: list[Trace]) -> None:
    """What proves an absence has to have looked: items of every kind, lines of every function and program."""
    tables = {trace.place.rpartition(" ")[0] for trace in everything if trace.kind == "table"}
    assert tables >= {
        "BindingsTable BINDING", "BindingsTable NUMBER", "BindingsTable PLACE", "BindingsTable PAIR",
        "BindingsTable KEYRING", "BillsTable EVENT", "BillsTable CDR",
    }  # fmt: skip
    attributes = {trace.place.rpartition(" ")[2] for trace in everything if trace.kind == "table"}
    assert attributes >= {"pk", "sk", "a_key", "b_key", "x_key", "order_key", "due_at", "day_key", "sealed"}
    lines = Counter(trace.place.partition(":")[0] for trace in everything if trace.kind == "log")
    for function in ("bindings", "callbacks", "unbind-sweep", "unbind-worker", "billing"):
        assert lines[f"/aws/lambda/private-number-{function}"] >= 4, lines
    assert all(lines[f"{program}.log"] >= 4 for program in ("ministack", "emulator", "sam-deploy")), lines
    assert any(trace.kind == "name" and trace.place == "ExchangeBucket" for trace in everything)


NUMBER, IN_SESSION = "+8613800138077", "1200_4711_4294967295_20260902010000@callenabler246.huaweicaas.com"
SOUGHT = Secrets(numbers={NUMBER}, sessions={IN_SESSION})
VALUES = {
    "text": {"S": f"from {NUMBER}"},
    "number": {"N": NUMBER[1:]},
    "bytes": {"B": f"sealed? {NUMBER}".encode()},
    "set": {"SS": ["harmless", NUMBER]},
    "inside": {"M": {"deep": {"L": [{"S": NUMBER[3:]}]}}},
    "name": {"M": {NUMBER: {"BOOL": True}}},
    "session": {"S": f"CALL#ride-hailing#{IN_SESSION}"},
}
LINES = {
    "global": f"caller {NUMBER} called",
    "national": f"dialled {NUMBER[3:]}.",
    "in a URL": f"GET /rest?callNum=%2B{NUMBER[1:]}&page=1",
    "escaped": "".join(f"%{letter:02x}" for letter in NUMBER.encode()),
    "in Base64": base64.b64encode(f'{{"caller":"{NUMBER}"}}'.encode()).decode(),
    "a session": f'"session":"{IN_SESSION}"',
    "somebody unknown": '"called":"+8613911112222"',
    "an X": "bound +8617010000001",
}


@pytest.fixture(scope="module")
def leaks(stack: Stack, everything: list[Trace]) -> list[Leak]:
    """What the reading finds when numbers and sessions lie everywhere in clear, and only then."""
    with ExitStack() as planted:
        for table in ("BindingsTable", "BillsTable"):
            planted.enter_context(item(stack, table, {"pk": {"S": NUMBER}, "sk": {"S": "PLANTED"}, **VALUES}))
        planted.enter_context(log_lines(stack, "/aws/lambda/private-number-callbacks", LINES.values()))
        planted.enter_context(file_line(stack, "emulator.log", f"bound {NUMBER}"))
        planted.enter_context(message(stack, "DeadLetterQueueUrl", f'{{"a":"{NUMBER}"}}'))
        planted.enter_context(file_in_bucket(stack, f"exports/{NUMBER}.csv"))
        found = SOUGHT.search(traces(stack))
    assert SOUGHT.search(traces(stack)) == []
    return found


class TestWhatIsPlantedIsFound:
    """The tests above can fail: what lies there in clear is found, wherever and in whatever form."""

    @pytest.mark.parametrize("table", ["BindingsTable", "BillsTable"])
    @pytest.mark.parametrize("name", ["pk", *VALUES])
    def test_in_an_item(self, leaks: list[Leak], table: str, name: str) -> None:
        assert f"{table} PLANTED {name}" in {leak.place for leak in leaks}

    @pytest.mark.parametrize("form", LINES)
    def test_in_a_functions_log(self, leaks: list[Leak], form: str) -> None:
        found = {leak.line for leak in leaks if leak.place == "/aws/lambda/private-number-callbacks"}
        assert any(LINES[form] in line for line in found)

    @pytest.mark.parametrize("place", ["emulator.log", "DeadLetterQueueUrl", "ExchangeBucket"])
    def test_in_a_programs_log_a_queue_or_a_files_name(self, leaks: list[Leak], place: str) -> None:
        assert place in {leak.place.partition(":")[0] for leak in leaks}


@contextmanager
def item(stack: Stack, table: str, content: dict[str, Any]) -> Iterator[None]:
    client, name = stack.aws.client("dynamodb"), stack.outputs[table]
    client.put_item(TableName=name, Item=content)
    yield
    client.delete_item(TableName=name, Key={"pk": content["pk"], "sk": content["sk"]})


@contextmanager
def log_lines(stack: Stack, group: str, lines: Iterable[str]) -> Iterator[None]:
    client, stream = stack.aws.client("logs"), {"logGroupName": group, "logStreamName": "planted"}
    client.create_log_stream(**stream)
    now = int(utc_now().timestamp() * 1000)
    client.put_log_events(**stream, logEvents=[{"timestamp": now, "message": line} for line in lines])
    yield
    client.delete_log_stream(**stream)


@contextmanager
def file_line(stack: Stack, name: str, line: str) -> Iterator[None]:
    file = logs(stack.folder) / name
    before = file.stat().st_size
    with file.open("a") as out:
        out.write(f"{line}\n")
    yield
    # The program writes on where it was: nothing may have come in between, or it would be cut off.
    content = file.read_text()
    file.write_text(content[:before] + content[before:].replace(f"{line}\n", ""))


@contextmanager
def message(stack: Stack, queue: str, body: str) -> Iterator[None]:
    client, url = stack.aws.client("sqs"), stack.outputs[queue]
    client.send_message(QueueUrl=url, MessageBody=body)
    yield
    for found in client.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", []):
        if found["Body"] == body:
            client.delete_message(QueueUrl=url, ReceiptHandle=found["ReceiptHandle"])


@contextmanager
def file_in_bucket(stack: Stack, key: str) -> Iterator[None]:
    client, bucket = stack.aws.client("s3"), stack.outputs["ExchangeBucket"]
    client.put_object(Bucket=bucket, Key=key, Body=b"")
    yield
    client.delete_object(Bucket=bucket, Key=key)
