"""Reads everything that a stack leaves behind and finds people's numbers and sessions in it."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from builders.deployed import items
from local.stack import Stack, logs

QUEUES = ("WorkQueueUrl", "DeadLetterQueueUrl", "FailedInvocationsQueueUrl")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{16,}={0,2}")
# A mobile number that stands by itself, whoever's it is; times in milliseconds and ids are longer.
_MOBILE = re.compile(r"(?<![0-9A-Za-z])(?:86|0086|0)?1[3-9][0-9]{9}(?![0-9A-Za-z])")


@dataclass(frozen=True)
class Trace:
    """Something that was read: where it lies, of what kind (`table`, `log`, `queue` ...) and its text."""

    kind: str
    place: str
    text: str


@dataclass(frozen=True)
class Leak:
    """What was found where; `reading` is the text around it, made readable."""

    what: str
    place: str
    reading: str
    line: str = field(repr=False)


@dataclass(frozen=True)
class Secrets:
    """What nobody may read in clear: numbers of people (global form) and ids of sessions."""

    numbers: Collection[str]
    sessions: Collection[str]

    def search(self, traces: Iterator[Trace] | Collection[Trace]) -> list[Leak]:
        """Everything that shows a person's number or a session; in logs any whole number, also an X."""
        return [leak for trace in traces for leak in self._search(trace)]

    def _search(self, trace: Trace) -> Iterator[Leak]:
        for text in readings(trace.text):
            for number in self.numbers:
                # Global, national, with %2B or 0086 before it: each contains the national digits.
                yield from _found("number", number.removeprefix("+86"), trace, text)
            for session in self.sessions:
                yield from _found("session", session, trace, text)
            if trace.kind == "log":
                for found in _MOBILE.finditer(text):
                    yield from _found("number in a log", found[0], trace, text)


def _found(what: str, wanted: str, trace: Trace, text: str) -> Iterator[Leak]:
    at = text.find(wanted)
    if at >= 0:
        yield Leak(what, trace.place, text[max(0, at - 80) : at + len(wanted) + 40], trace.text)


def readings(text: str) -> Iterator[str]:
    """The text as it is, without URL escapes, and what its parts are in Base64."""
    yield text
    if "%" in text:
        yield unquote(text)
    for part in _BASE64.findall(text):
        for alphabet in (b"+/", b"-_"):
            padded = part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4)
            try:
                yield base64.b64decode(padded, altchars=alphabet, validate=True).decode("latin-1")
            except binascii.Error:
                continue


def traces(stack: Stack) -> Iterator[Trace]:
    """Everything that can be read of a stack without the keys of the deployment."""
    yield from _tables(stack)
    for line in stack.function_logs():
        yield Trace("log", line.partition(" ")[0], line)
    for file in sorted(logs(stack.folder).glob("*.log")):
        for number, line in enumerate(file.read_text(errors="replace").splitlines(), 1):
            yield Trace("log", f"{file.name}:{number}", line)
    yield from _queues(stack)
    yield from _names(stack)


def _tables(stack: Stack) -> Iterator[Trace]:
    for table in ("BindingsTable", "BillsTable"):
        for item in items(stack, table):
            for name, value in item.items():
                yield Trace("table", f"{table} {item['sk'].partition('#')[0]} {name}", _text(value))


def _text(value: Any) -> str:
    """Any attribute as text; sealed bytes too: they must not show anything either."""
    if isinstance(value, dict):
        return " ".join(f"{name} {_text(inner)}" for name, inner in value.items())
    if isinstance(value, list | tuple | set | frozenset):
        return " ".join(map(_text, value))
    inner = getattr(value, "value", value)  # boto3 wraps bytes
    return inner.decode("latin-1") if isinstance(inner, bytes) else str(inner)


def _queues(stack: Stack) -> Iterator[Trace]:
    queue = stack.aws.client("sqs")
    for name in QUEUES:
        waiting = queue.receive_message(
            QueueUrl=stack.outputs[name], VisibilityTimeout=0, MaxNumberOfMessages=10
        )
        for message in waiting.get("Messages", []):
            yield Trace("queue", name, message["Body"])


def _names(stack: Stack) -> Iterator[Trace]:
    """Names of files (the files themselves are the platform's own exports) and of metrics."""
    pages = (
        stack.aws.client("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=stack.outputs["ExchangeBucket"])
    )
    for key in pages.search("Contents[].Key"):
        yield Trace("name", "ExchangeBucket", str(key))
    for metric in stack.aws.client("cloudwatch").get_paginator("list_metrics").paginate().search("Metrics[]"):
        yield Trace("name", "metrics", _text(metric))
