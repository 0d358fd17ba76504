"""Recordings from call to archive: the emulated platform over HTTP, tables, a bucket, one clock to move."""

from __future__ import annotations

import json
import struct
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, cast

import boto3

from builders.dynamodb import Table
from builders.emulator import APP_KEY, SECRET, A, B, RunningEmulator
from builders.keyrings import KEYRING
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.deadline import Deadline
from privatenumber.platform.axb import AxbBind
from privatenumber.platform.client import MemoryPauses, PlatformClient, Urllib3Transport
from privatenumber.platform.pushes import parse_push
from privatenumber.privacy import Keyring, open_sealed
from privatenumber.recordings.archive import Archive
from privatenumber.recordings.download import Downloads
from privatenumber.recordings.fetch import Fetch
from privatenumber.recordings.find import Finder
from privatenumber.recordings.model import Schedule
from privatenumber.recordings.noting import Noting
from privatenumber.recordings.work import RecordingWork
from privatenumber.settings import Application, Mode, Settings
from privatenumber.signing import Scheme
from privatenumber.store.fact_rows import CdrFact
from privatenumber.store.facts import FactStore
from privatenumber.store.keyring import KeyringStore
from privatenumber.store.queue import WorkQueue
from privatenumber.store.recording_files import RecordingFiles
from privatenumber.store.recordings import RecordingRow, RecordingStore
from privatenumber.times import beijing_day

if TYPE_CHECKING:
    from mypy_boto3_s3.client import S3Client

APPLICATION = "ride"
BUCKET = "recordings"
KEY_ID = "11111111-2222-3333-4444-555555555555"
SCHEDULE = Schedule(Settings({}).recording_retry_seconds)
NOWHERE = "http://127.0.0.1:9/fee"
X = "+8617010000001"


def within() -> Deadline:
    return Deadline.after(60)


def application(base_url: str, **changes: Any) -> Application:
    """An AXB application whose recordings may be fetched without TLS, as the emulator sends them."""
    return replace(
        Application(
            id=APPLICATION,
            app_key=APP_KEY,
            secrets=(SECRET,),
            mode=Mode.AXB,
            base_url=base_url,
            scheme=Scheme.AKSK,
            callback_token="callback-token-0001",
            recording_allow_http=True,
        ),
        **changes,
    )


@dataclass
class Keys:
    """A keyring that is always at hand."""

    keyring: Keyring = KEYRING

    def load(self) -> Keyring:
        return self.keyring

    def opening(self, action: Callable[[], Any]) -> Any:
        return action()

    def unseal(self, sealed: bytes, context: str) -> bytes:
        return open_sealed(self.keyring, sealed, context=context)


@dataclass
class Messages:
    """A queue that keeps what it is sent."""

    sent: list[RecordingWork] = field(default_factory=list)

    def send(self, work: Iterator[RecordingWork]) -> None:
        self.sent += work


class Scene:
    """An application at the emulated platform, and our rooms of recordings. Time is the emulator's."""

    def __init__(self, table: Table, bucket: S3Client, emulator: RunningEmulator, **changes: Any) -> None:
        self.table = table
        self.s3 = bucket
        self.emulator = emulator
        self.application = application(emulator.address, **changes)
        self.keys = Keys()
        self.messages = Messages()
        self.counted: Counter[str] = Counter()
        self.facts = FactStore(table.client, table.name, sleep=lambda _: None)
        self.store = RecordingStore(table.client, table.name)
        self.files = RecordingFiles(bucket, BUCKET, KEY_ID)
        self.pauses = MemoryPauses(self.now)
        self.platform = PlatformClient(
            self.application,
            transport=Urllib3Transport(),
            pauses=self.pauses,
            clock=self.now,
            sleep=lambda _: None,
        )
        emulator.admin.application(urls={"fee": NOWHERE})

    def now(self) -> datetime:
        return self.emulator.admin.now()

    def noting(self) -> Noting:
        return Noting(
            self.store,
            cast(WorkQueue, self.messages),
            cast(KeyringStore, self.keys),
            self.now,
            self._count,
        )

    def archive(self, **changes: Any) -> Archive:
        """The worker's room; a change replaces one of its parts."""
        parts: dict[str, Any] = {
            "store": self.store,
            "files": self.files,
            "fetch": Fetch(
                lambda: {APPLICATION: self.application}, lambda _: self.platform, lambda _: Downloads()
            ),
            "unseal": self.keys.unseal,
            "schedule": SCHEDULE,
            "count": self._count,
        }
        return Archive(**{**parts, **changes})

    def finder(self, days: int = 180) -> Finder:
        return Finder(self.store, self.files, self.keys.load, days)

    def recorded_call(self, talk_s: int = 60) -> dict[str, Any]:
        """A recorded AXB call from its binding to its end; the entry of its CDR as it is pushed."""
        if not self.emulator.admin.bindings(X):
            bind = AxbBind.model_validate(
                {
                    "callerNum": A,
                    "calleeNum": B,
                    "relationNum": X,
                    "recordFlag": True,
                    "recordHintTone": "recordHintTone.wav",
                }
            )
            self.platform.axb.bind(bind, deadline=within())
        self.emulator.admin.call(A, X, talk_s=talk_s, wait=True)
        (*_, delivery) = self.emulator.admin.deliveries(kind="fee")
        entry: dict[str, Any] = delivery["body"]["feeLst"][-1]
        return entry

    def store_cdr(self, entry: dict[str, Any]) -> CdrFact:
        """Take a CDR in as the callbacks function does, and read it back."""
        body = json.dumps({"eventType": "fee", "feeLst": [entry]}).encode()
        reception = Reception(APPLICATION, self.now(), KEYRING)
        (cdr,) = parse_push(body).entries
        fact = fact_of(cdr, reception)
        self.facts.put_facts([fact])
        found = self.facts.call(APPLICATION, fact.item["session"])
        return next(one for one in found if isinstance(one, CdrFact) and one.digest == fact.digest)

    def noted(self, entry: dict[str, Any]) -> RecordingRow:
        """The row of a CDR's recording, after it was stored and noted."""
        cdr = self.store_cdr(entry)
        self.noting().note([cdr])
        return self.rows()[-1]

    def rows(self) -> list[RecordingRow]:
        """Every recording, by key."""
        pages = self.table.client.get_paginator("scan").paginate(TableName=self.table.name)
        items = [item for page in pages for item in page["Items"] if item["sk"]["S"].startswith("RECORDING#")]
        keys = sorted((item["pk"]["S"], item["sk"]["S"]) for item in items)
        return [row for row in map(self.store.get, keys) if row is not None]

    def step(self, row: RecordingRow, **changes: Any) -> RecordingRow:
        """One attempt of the worker, now."""
        return self.archive(**changes).step(row.key, now=self.now(), deadline=within())

    def advance(self, **length: float) -> None:
        self.emulator.admin.advance(timedelta(**length).total_seconds())

    def archived(self) -> dict[str, bytes]:
        """Every file of the bucket."""
        listed = self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", [])
        return {
            one["Key"]: self.s3.get_object(Bucket=BUCKET, Key=one["Key"])["Body"].read() for one in listed
        }

    def uploads(self) -> int:
        """Multipart uploads that were begun and neither completed nor aborted."""
        return len(self.s3.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))

    def day(self) -> str:
        return beijing_day(self.now()).isoformat()

    def _count(self, name: str, value: float) -> None:
        self.counted[name] += int(value)


def new_bucket() -> S3Client:
    """An empty bucket of moto, alive as long as its mock."""
    client = boto3.client(
        "s3", region_name="cn-north-1", aws_access_key_id="moto", aws_secret_access_key="moto"
    )
    client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "cn-north-1"})
    return client


def wav(
    seconds: int, *, coding: int = 6, channels: int = 1, rate: int = 8000, announced: int | None = None
) -> bytes:
    """A recording as recording-and-call-stop.md §1 describes it, unless told otherwise."""
    sound = bytes(n % 251 for n in range(8000)) * seconds
    form = struct.pack("<HHIIHH", coding, channels, rate, rate * channels, channels, 8)
    length = len(sound) if announced is None else announced
    chunks = b"WAVE" + b"fmt " + struct.pack("<I", len(form)) + form + b"data" + struct.pack("<I", length)
    return b"RIFF" + struct.pack("<I", (len(chunks) + len(sound)) & 0xFFFF_FFFF) + chunks + sound


@dataclass
class Reply:
    """What the file server answers: `length` is what it announces, the true one unless told otherwise."""

    status: int = 200
    body: bytes | Callable[[], Iterator[bytes]] = b""
    headers: dict[str, str] = field(default_factory=dict)
    length: int | None = None


class FileServer(ThreadingHTTPServer):
    """A storage host on loopback: answers by path, remembers paths and headers of what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.replies: dict[str, Reply] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        server = cast(FileServer, self.server)
        server.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
        reply = server.replies.get(self.path, Reply(404))
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if isinstance(reply.body, bytes):
            self.send_header("Content-Length", str(len(reply.body) if reply.length is None else reply.length))
            self.end_headers()
            self.wfile.write(reply.body)
        else:
            self._send_chunks(reply.body())
        self.close_connection = True

    def _send_chunks(self, chunks: Iterator[bytes]) -> None:
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for chunk in chunks:
            self.wfile.write(f"{len(chunk):x}\r\n".encode() + chunk + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@contextmanager
def running_file_server() -> Iterator[FileServer]:
    """Serve files until the block ends."""
    with FileServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join(10)
