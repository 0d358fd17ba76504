"""Clients of the platform in other languages work with the emulator when only their address is changed.

auth.md §1 to §3, §8; numbers.md §7.1: http and https with a generated certificate, both schemes, one header
set for several calls, a body on GET and DELETE, `%2B`.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from builders.contract import Json, Mode
from builders.contract_account import emulated_credentials
from builders.emulator import A, AdminClient, B

ROOT = Path(__file__).parents[2]
CLIENTS = Path(__file__).parent / "clients"
MODES: tuple[Mode, ...] = ("AX", "AXB", "AXE", "AXYB")
STEPS = {
    ("node", "AX"): ["bind", "query", "callee", "unbind"],
    ("node", "AXB"): ["bind", "query", "modify", "unbind"],
    ("node", "AXE"): ["bind", "query", "unbind"],
    ("node", "AXYB"): ["bind", "bind of B", "query", "unbind of Y", "unbind"],
    ("java", "AX"): ["bind", "query", "callee", "unbind"],
    ("java", "AXB"): ["bind", "query", "modify", "unbind"],
    ("java", "AXE"): ["bind", "query", "modify", "unbind"],
    ("java", "AXYB"): ["bind", "bind of B", "query", "unbind of B", "unbind"],
}

pytestmark = pytest.mark.contract("third-party clients")
Transport = Literal["http", "https"]


@dataclass(frozen=True)
class Command:
    """The emulator as a person starts it: real clock, HTTP and HTTPS, its own authority."""

    addresses: Mapping[Transport, str]
    authority: Path
    admin: AdminClient


@contextmanager
def emulator_command(folder: Path) -> Iterator[Command]:
    paths = os.pathsep.join((str(ROOT), str(ROOT / "layers" / "privatenumber")))
    options = ("--https-port", "0", "--tls-folder", str(folder))
    with subprocess.Popen(
        [sys.executable, "-m", "emulator", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    ) as process:
        assert process.stdout is not None
        line = json.loads(process.stdout.readline())
        admin = AdminClient(line["address"])
        try:
            yield Command({"http": line["address"], "https": line["https"]}, Path(line["ca"]), admin)
        finally:
            admin.close()
            process.send_signal(signal.SIGTERM)
            process.wait(20)


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The emulator with one application per mode."""
    with emulator_command(tmp_path_factory.mktemp("tls")) as started:
        for mode in MODES:
            app = emulated_credentials(mode)
            started.admin.application(app.app_key, secret=app.secret, mode=mode)
            started.admin.numbers(*app.numbers, app_key=app.app_key)
        yield started


def program(name: str) -> str:
    """The path of an interpreter; where CI promises it, its absence is a failure."""
    found = shutil.which(name)
    if found is None and not os.environ.get("REQUIRE_DYNAMODB_LOCAL"):
        pytest.skip(f"{name} is not installed")
    assert found is not None, f"{name} is needed here"
    return found


def finished(arguments: list[str], environment: Mapping[str, str]) -> list[Json]:
    """Run a client; each line it prints is what one application came to."""
    done = subprocess.run(
        arguments,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **environment},
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def run_node(command: Command, transport: Transport, folder: Path) -> list[Json]:
    apps = [
        {"mode": mode, "key": app.app_key, "secret": app.secret, "a": A, "b": B, "x": app.numbers[0]}
        for mode in MODES
        for app in [emulated_credentials(mode)]
    ]
    arguments = [program("node"), str(CLIENTS / "client.mjs"), command.addresses[transport], json.dumps(apps)]
    return finished(arguments, {"NODE_EXTRA_CA_CERTS": str(command.authority)})


def run_java(command: Command, transport: Transport, folder: Path) -> list[Json]:
    apps = folder / "applications.txt"
    lines = [
        f"{mode} {app.app_key} {app.secret} {A} {B} {app.numbers[0]}\n"
        for mode in MODES
        for app in [emulated_credentials(mode)]
    ]
    apps.write_text("".join(lines), encoding="utf-8")
    arguments = [program("java"), str(CLIENTS / "Client.java"), command.addresses[transport], str(apps)]
    return finished([*arguments, *([str(command.authority)] if transport == "https" else [])], {})


RUNS: Mapping[str, Callable[[Command, Transport, Path], list[Json]]] = {"node": run_node, "java": run_java}


@dataclass(frozen=True)
class Trace:
    """What one client printed, and what the emulator saw of it."""

    printed: list[Json]
    requests: list[Json]


@pytest.fixture(scope="module")
def traces(command: Command, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, Transport], Trace]:
    """Runs each client once per transport and remembers what happened."""
    known: dict[tuple[str, Transport], Trace] = {}

    def trace(language: str, transport: Transport) -> Trace:
        if (language, transport) not in known:
            before = len(command.admin.requests(kind="request"))
            printed = RUNS[language](command, transport, tmp_path_factory.mktemp(language))
            known[language, transport] = Trace(printed, command.admin.requests(kind="request")[before:])
        return known[language, transport]

    return trace


Traces = Callable[[str, Transport], Trace]
EVERY = [
    pytest.param(language, transport, mode, id=f"{language}-{transport}-{mode}")
    for language in RUNS
    for transport in ("http", "https")
    for mode in MODES
]


@pytest.mark.parametrize(("language", "transport", "mode"), EVERY)
def test_binds_queries_and_releases_under_both_schemes(
    traces: Traces, language: str, transport: Transport, mode: Mode
) -> None:
    printed = [line for line in traces(language, transport).printed if line["mode"] == mode]
    assert [line["scheme"] for line in printed] == ["AKSK", "WSSE"]
    for line in printed:
        assert line["steps"] == [[step, 200, "0"] for step in STEPS[language, mode]]
        assert line["x"] in emulated_credentials(mode).numbers


@pytest.mark.parametrize("transport", ["http", "https"])
@pytest.mark.parametrize("language", list(RUNS))
def test_nothing_stays_bound_and_nothing_was_refused(
    command: Command, traces: Traces, language: str, transport: Transport
) -> None:
    requests = traces(language, transport).requests
    expected = 2 * sum(len(STEPS[language, mode]) for mode in MODES)
    assert (len(requests), {entry["code"] for entry in requests}) == (expected, {"0"})
    assert command.admin.bindings() == []


@pytest.mark.parametrize("language", list(RUNS))
def test_without_the_authority_https_is_refused(command: Command, tmp_path: Path, language: str) -> None:
    """auth.md §1: the certificate is verified."""
    with emulator_command(tmp_path / "other") as other:
        authority = other.authority
    deceived = Command(command.addresses, authority, command.admin)
    with pytest.raises(AssertionError, match=r"(?i)certificate|PKIX"):
        RUNS[language](deceived, "https", tmp_path)
