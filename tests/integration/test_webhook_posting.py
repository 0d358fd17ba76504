"""Sending to receivers over real sockets: what they answer, and where nothing is ever sent (SSRF)."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from builders.hooks import HookServer, running
from emulator.certificates import TlsFiles, in_folder
from privatenumber.settings import WebhookTargets
from privatenumber.webhooks.posting import Posting

NAME = "hooks.example.com"
HEADERS = {"webhook-id": "e1", "content-type": "application/json"}


@pytest.fixture
def receiver() -> Iterator[HookServer]:
    server = HookServer()
    with running(server):
        yield server


@dataclass
class Names:
    """A resolver; the last answer stays."""

    answers: list[tuple[str, ...]] = field(default_factory=lambda: [("127.0.0.1",)])
    asked: list[str] = field(default_factory=list)

    def __call__(self, host: str, port: int) -> tuple[str, ...]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def posting(names: Names | None = None, *, whole_s: float = 5.0) -> Posting:
    return Posting(WebhookTargets.ANY, resolve=names or Names(), whole_s=whole_s)


def at(server: HookServer, scheme: str = "http") -> str:
    return f"{scheme}://{NAME}:{server.port}/in?key=1"


class TestAnswers:
    def test_a_body_arrives_as_it_was_signed(self, receiver: HookServer) -> None:
        outcome = posting().post(at(receiver), HEADERS, b'{"id":"e1"}')
        assert (outcome.delivered, outcome.detail, outcome.status) == (True, "delivered", 204)
        (heard,) = receiver.heard
        assert (heard.path, heard.body) == ("/in?key=1", b'{"id":"e1"}')
        assert (heard.headers["webhook-id"], heard.headers["host"]) == ("e1", f"{NAME}:{receiver.port}")

    @pytest.mark.parametrize(("status", "gone"), [(400, False), (401, False), (410, True), (500, False)])
    def test_a_refusal_is_told_by_its_status(self, receiver: HookServer, status: int, gone: bool) -> None:
        receiver.status = status
        outcome = posting().post(at(receiver), HEADERS, b"{}")
        assert (outcome.delivered, outcome.detail, outcome.gone) == (False, f"http_{status}", gone)

    @pytest.mark.parametrize(("text", "seconds"), [("120", 120), ("9999999", 86_400), ("soon", None)])
    def test_a_wait_that_is_asked_for_is_read(
        self, receiver: HookServer, text: str, seconds: int | None
    ) -> None:
        receiver.status, receiver.headers = 429, {"Retry-After": text}
        wait = posting().post(at(receiver), HEADERS, b"{}").wait
        assert (wait and wait.total_seconds()) == seconds

    def test_a_redirect_is_a_failure_and_is_not_followed(self, receiver: HookServer) -> None:
        receiver.status, receiver.headers = 307, {"Location": f"http://127.0.0.1:{receiver.port}/inside"}
        assert posting().post(at(receiver), HEADERS, b"{}").detail == "redirected"
        assert [heard.path for heard in receiver.heard] == ["/in?key=1"]

    def test_a_receiver_that_does_not_answer_is_given_up(self, receiver: HookServer) -> None:
        """It has heard it all the same: the same id comes again."""
        release = threading.Event()
        receiver.before_answer = lambda: release.wait(10)
        outcome = posting(whole_s=0.2).post(at(receiver), HEADERS, b"{}")
        release.set()
        assert (outcome.delivered, outcome.detail, len(receiver.heard)) == (False, "timeout", 1)

    def test_a_receiver_that_trickles_is_given_up(self) -> None:
        """Each byte comes in time; the answer does not."""
        done = threading.Event()

        def trickle(listening: socket.socket) -> None:
            connection, _ = listening.accept()
            with connection:
                while not done.wait(0.05):
                    connection.sendall(b"H")

        with socket.create_server(("127.0.0.1", 0)) as listening:
            thread = threading.Thread(target=trickle, args=(listening,), daemon=True)
            thread.start()
            outcome = posting(whole_s=0.3).post(
                f"http://{NAME}:{listening.getsockname()[1]}/in", HEADERS, b"{}"
            )
            done.set()
            thread.join(5)
        assert (outcome.detail, outcome.took_s < 3) == ("timeout", True)

    def test_nobody_there_is_a_failure_like_others(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            port = listening.getsockname()[1]
        assert posting().post(f"http://{NAME}:{port}/in", HEADERS, b"{}").detail == "unreachable"


class TestNothingInside:
    """At every delivery anew, whatever was true when the webhook was made."""

    @pytest.mark.parametrize(
        "address", ["127.0.0.1", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "fd00:ec2::254"]
    )
    def test_a_name_that_leads_inside_now_is_not_connected_to(
        self, receiver: HookServer, address: str
    ) -> None:
        way = Posting(WebhookTargets.PUBLIC, resolve=Names([(address,)]))
        outcome = way.post(f"https://{NAME}:{receiver.port}/in", HEADERS, b"{}")
        assert (outcome.delivered, outcome.detail) == (False, "network_refused")
        assert receiver.heard == []

    @pytest.mark.parametrize(
        ("target", "detail"),
        [
            ("https://127.0.0.1/in", "host_refused"),
            ("https://2130706433/in", "host_refused"),
            ("https://0177.0.0.1/in", "host_refused"),
            ("https://[::1]/in", "form_refused"),
            ("http://hooks.example.com/in", "scheme_refused"),
        ],
    )
    def test_a_target_that_came_past_the_door_is_refused_here(self, target: str, detail: str) -> None:
        names = Names()
        outcome = Posting(WebhookTargets.PUBLIC, resolve=names).post(target, HEADERS, b"{}")
        assert (outcome.detail, names.asked) == (detail, [])

    def test_a_second_answer_of_the_resolver_changes_nothing(self, receiver: HookServer) -> None:
        """DNS rebinding: the connection goes to what was looked at."""
        names = Names([("127.0.0.1",), ("169.254.169.254",)])
        assert posting(names).post(at(receiver), HEADERS, b"{}").delivered
        assert names.asked == [NAME]

    def test_a_name_that_nobody_knows_any_more_is_tried_again_later(self) -> None:
        def unknown(host: str, port: int) -> tuple[str, ...]:
            raise OSError(host)

        way = Posting(WebhookTargets.PUBLIC, resolve=unknown)
        assert way.post(f"https://{NAME}/in", HEADERS, b"{}").detail == "unreachable"


class TestTls:
    @pytest.fixture
    def files(self, tmp_path: Path, receiver: HookServer, monkeypatch: pytest.MonkeyPatch) -> TlsFiles:
        """Certificates for the receiver's name, whose authority this process trusts."""
        files = in_folder(tmp_path, NAME)
        receiver.socket = files.context().wrap_socket(receiver.socket, server_side=True)
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
        assert ssl.get_default_verify_paths().cafile == str(files.authority)
        return files

    def test_the_certificate_has_to_be_of_the_name(self, receiver: HookServer, files: TlsFiles) -> None:
        assert posting().post(at(receiver, "https"), HEADERS, b"{}").delivered
        other = at(receiver, "https").replace(NAME, "other.example.com")
        assert posting().post(other, HEADERS, b"{}").detail == "tls"
        assert len(receiver.heard) == 1
