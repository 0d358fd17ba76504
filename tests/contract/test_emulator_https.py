"""HTTPS beside plain HTTP, with a certificate made at the start (auth.md §1; decision 3)."""

from __future__ import annotations

import ssl
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from builders.emulator import APP_KEY, SECRET, X1, A, B, RunningEmulator, running_emulator
from builders.platform_requests import AXB
from emulator.api.operations import RECORD_PATH
from emulator.certificates import TlsFiles, in_folder
from privatenumber.signing import Scheme, new_nonce, sign


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    return in_folder(tmp_path_factory.mktemp("tls"), "127.0.0.1")


@contextmanager
def client(files: TlsFiles) -> Iterator[httpx.Client]:
    """A client that trusts the emulator's authority and nothing else."""
    context = ssl.create_default_context(cafile=str(files.authority))
    with httpx.Client(verify=context, trust_env=False, timeout=20) as made:
        yield made


def signed(emulator: RunningEmulator, scheme: Scheme = Scheme.AKSK) -> dict[str, str]:
    return {**sign(scheme, APP_KEY, SECRET, created=emulator.admin.now(), nonce=new_nonce())}


def bind(made: httpx.Client, base: str, emulator: RunningEmulator, **fields: str) -> httpx.Response:
    body = {"callerNum": A, "calleeNum": B, "relationNum": X1, **fields}
    return made.post(base + AXB, json=body, headers=signed(emulator))


@pytest.mark.parametrize("scheme", list(Scheme))
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_both_addresses_serve_the_same_platform(files: TlsFiles, host: str, scheme: Scheme) -> None:
    """Only the base address changes for a client; both schemes, both transports."""
    with running_emulator(tls=files) as emulator, client(files) as made:
        assert emulator.secure_address is not None
        secure = emulator.secure_address.replace("127.0.0.1", host)
        assert bind(made, secure, emulator).json()["resultcode"] == "0"
        answer = made.get(
            emulator.address + AXB, params={"relationNum": X1}, headers=signed(emulator, scheme)
        )
        assert answer.json()["totalCount"] == 1
        assert made.get(f"{secure}/__emu/health").json()["status"] == "ok"


def test_a_client_that_does_not_trust_the_authority_refuses(files: TlsFiles) -> None:
    with (
        running_emulator(tls=files) as emulator,
        httpx.Client(trust_env=False) as stranger,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        stranger.get(f"{emulator.secure_address}/__emu/health")


def test_plain_http_can_be_closed_to_the_api(files: TlsFiles) -> None:
    """The admin API stays: it is no part of the platform."""
    with running_emulator(tls=files, http={"allow_plain": False}) as emulator, client(files) as made:
        assert emulator.secure_address is not None
        assert bind(made, emulator.secure_address, emulator).json()["resultcode"] == "0"
        with pytest.raises(httpx.RemoteProtocolError):
            bind(made, emulator.address, emulator)
        assert emulator.admin.health()["status"] == "ok"


def test_a_recording_is_fetched_under_the_address_the_client_used(files: TlsFiles) -> None:
    """recording-and-call-stop.md §2: 301 with an address that needs no headers."""
    with running_emulator(tls=files) as emulator, client(files) as made:
        assert emulator.secure_address is not None
        bind(made, emulator.secure_address, emulator, recordFlag="true", recordHintTone="notice.wav")
        call = emulator.admin.call(A, X1, talk_s=5, wait=True)
        asked = {"fileName": call["recording"], "recordDomain": "ostor.example.com"}
        answer = made.get(emulator.secure_address + RECORD_PATH, params=asked, headers=signed(emulator))
        assert (answer.status_code, answer.headers["content-length"], answer.content) == (301, "0", b"")
        assert answer.headers["location"].startswith(f"{emulator.secure_address}/__emu/recordings/")
        file = made.get(answer.headers["location"])
        assert (file.status_code, file.headers["content-type"]) == (200, "audio/wav")
        assert (file.content[:4], int(file.headers["content-length"])) == (b"RIFF", len(file.content))
        emulator.admin.advance(3 * 86_400)
        expired = made.get(answer.headers["location"])
        assert (expired.status_code, expired.content) == (403, b"")


def test_a_client_that_follows_redirects_gets_the_bytes(files: TlsFiles) -> None:
    with running_emulator(tls=files) as emulator, client(files) as made:
        bind(made, emulator.address, emulator, recordFlag="true", recordHintTone="notice.wav")
        call = emulator.admin.call(A, X1, talk_s=3, wait=True)
        asked = {"fileName": call["recording"], "recordDomain": "ostor.example.com"}
        answer = made.get(
            emulator.address + RECORD_PATH, params=asked, headers=signed(emulator), follow_redirects=True
        )
        assert answer.content[8:12] == b"WAVE"


def test_the_cdr_carries_an_address_that_works(files: TlsFiles) -> None:
    """Decision 169: `direct_url`."""
    with running_emulator(tls=files, recording={"delivery": "direct_url"}) as emulator, client(files) as made:
        emulator.admin.application(urls={"fee": "http://127.0.0.1:9/fee"})
        bind(made, emulator.address, emulator, recordFlag="true", recordHintTone="notice.wav")
        emulator.admin.call(A, X1, talk_s=3, wait=True)
        [delivery] = emulator.admin.deliveries(kind="fee")
        url = delivery["body"]["feeLst"][0]["recordFileDownloadUrl"]
        assert urlsplit(url).scheme == "https"
        assert made.get(url).content[:4] == b"RIFF"


def test_files_that_are_there_are_used_again(tmp_path: Path) -> None:
    """A client trusts the authority once."""
    first = in_folder(tmp_path / "tls", "127.0.0.1")
    written = [file.read_bytes() for file in (first.authority, first.certificate, first.key)]
    again = in_folder(tmp_path / "tls", "other.example.com")
    assert [file.read_bytes() for file in (again.authority, again.certificate, again.key)] == written


def test_only_the_owner_reads_the_key(tmp_path: Path) -> None:
    assert stat.S_IMODE(in_folder(tmp_path, "127.0.0.1").key.stat().st_mode) == 0o600


@pytest.mark.parametrize("host", ["emulator.example.com", "192.0.2.7"])
def test_the_certificate_names_the_host_it_is_served_at(tmp_path: Path, host: str) -> None:
    files = in_folder(tmp_path, host)
    context = ssl.create_default_context(cafile=str(files.authority))
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = context.wrap_bio(incoming, outgoing, server_hostname=host)
    answering = files.context().wrap_bio(outgoing, incoming, server_side=True)
    for side in (asking, answering, asking, answering):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert asking.getpeercert()
