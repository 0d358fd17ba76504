"""``python -m emulator``: one line of JSON, a quiet log, a graceful end (design.md §8)."""

from __future__ import annotations

import json
import os
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from builders.emulator import APP_KEY, SECRET, X1, A, AdminClient, B
from builders.platform_requests import AXB
from privatenumber.signing import Scheme, new_nonce, sign

ROOT = Path(__file__).parents[2]


@contextmanager
def started(*options: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    paths = [str(ROOT), str(ROOT / "layers" / "privatenumber")]
    with subprocess.Popen(
        [sys.executable, "-m", "emulator", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
    ) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())
        finally:
            process.kill()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_it_announces_itself_on_one_line_and_stops_gracefully(stop: signal.Signals) -> None:
    with started("--clock", "virtual", "--seed", "7") as (process, line):
        assert line["clock"] == "virtual"
        admin = AdminClient(line["address"])
        assert line["admin"] == f"{line['address']}/__emu"
        assert admin.health()["seed"] == 7
        admin.close()
        process.send_signal(stop)
        rest, log = process.communicate(timeout=20)
        assert (process.returncode, rest) == (0, "")
        assert "Traceback" not in log


def test_https_is_served_beside_http_with_files_to_trust(tmp_path: Path) -> None:
    """auth.md §1: the line tells the address and which file a client has to trust."""
    with started("--https-port", "0", "--tls-folder", str(tmp_path / "tls")) as (_, line):
        assert line["ca"] == str(tmp_path / "tls" / "ca.pem")
        context = ssl.create_default_context(cafile=line["ca"])
        with httpx.Client(verify=context, trust_env=False) as client:
            assert client.get(f"{line['https']}/__emu/health").json()["status"] == "ok"
            assert client.get(f"{line['address']}/__emu/health").json()["status"] == "ok"


def test_without_https_no_certificate_is_made(tmp_path: Path) -> None:
    with started("--tls-folder", str(tmp_path / "tls")) as (_, line):
        assert not {"https", "ca"} & set(line)
    assert not (tmp_path / "tls").exists()


def test_its_log_names_no_party_no_x_and_no_secret() -> None:
    with started() as (process, line):
        admin = AdminClient(line["address"])
        admin.application()
        admin.numbers(X1)
        headers = sign(Scheme.AKSK, APP_KEY, SECRET, created=admin.now(), nonce=new_nonce())
        body = {"callerNum": A, "calleeNum": B, "relationNum": X1}
        with httpx.Client(trust_env=False) as client:
            client.post(line["address"] + AXB, json=body, headers={**headers})
            query = {"relationNum": X1, "callerNum": A}
            client.get(line["address"] + AXB, params=query, headers={**headers})
        admin.call(A, X1, talk_s=5, wait=True)
        admin.sms(A, X1, "the code is 4711", wait=True)
        admin.close()
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=20)
    assert "axb.bind 200/0" in log
    for secret in ("13800138", "17010000", SECRET, "4711"):
        assert secret not in log


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--set", "push.wrong=1"], "push.wrong"),
        (["--set", "push"], "NAME=VALUE"),
        (["--set", 'net.drop_cidrs=["203.0.113.0/33"]'], "net.drop_cidrs"),
        (["--settings", "/none"], "/none"),
        (["--port", "99999"], "--port: must be 0 to 65535"),
        (["--https-port", "-1"], "--https-port: must be 0 to 65535"),
        (["--start", "soon"], "--start: must be a time"),
        (["--host", "192.0.2.1"], "192.0.2.1"),
    ],
)
def test_a_wrong_setting_is_named_and_nothing_starts(options: list[str], text: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "emulator", *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'layers' / 'privatenumber'}"},
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_settings_come_from_file_options_and_single_assignments(tmp_path: Path) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({"limits": {"axb_pairs_per_x": 2}, "push": {"parallel": 3}}))
    options = ["--settings", str(file), "--set", "limits.axb_pairs_per_x=1", "--strictness", "strict"]
    with started(*options, "--clock", "virtual", "--start", "2026-03-01T08:00:00Z") as (_, line):
        admin = AdminClient(line["address"])
        assert admin.health()["strictness"] == "strict"
        assert admin.now().isoformat() == "2026-03-01T08:00:00+00:00"
        admin.close()
