"""The real transport against a real socket: what leaves, and how failures look (auth.md §1, §5)."""

import socket
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread

import pytest

from privatenumber.platform.transport import NoAnswer, NoConnection, Urllib3Transport

SILENT = "/silent"


class Platform(ThreadingHTTPServer):
    """Records requests; ``/silent`` never answers, ``/moved`` redirects, ``/cut`` breaks off."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.seen: list[tuple[str, str, str | None, bytes]] = []
        self.closing = Event()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"


class Handler(BaseHTTPRequestHandler):
    server: Platform

    def handle_any(self) -> None:
        length = self.headers.get("Content-Length")
        body = self.rfile.read(int(length or 0))
        self.server.seen.append((self.command, self.path, length, body))
        if self.path == SILENT:
            self.server.closing.wait(10)
            return
        self.send_response(302 if self.path == "/moved" else 403)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "100" if self.path == "/cut" else "2")
        self.end_headers()
        self.wfile.write(b"{}")

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 - the base class calls them so

    def log_message(self, format: str, *args: object) -> None:
        """Silence."""


@pytest.fixture
def platform() -> Iterator[Platform]:
    server = Platform()
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def transport() -> Urllib3Transport:
    return Urllib3Transport()


def test_a_release_leaves_with_its_query_and_without_body(
    platform: Platform, transport: Urllib3Transport
) -> None:
    """U-D14, C-011."""
    answer = transport.send(
        "DELETE", platform.url("/p?relationNum=%2B8617010000002"), {}, None, connect_s=2, read_s=2
    )
    assert (answer.status, answer.body) == (403, b"{}")
    [(method, path, length, body)] = platform.seen
    assert (method, path, body) == ("DELETE", "/p?relationNum=%2B8617010000002", b"")
    assert length in {None, "0"}


def test_a_redirect_is_not_followed(platform: Platform, transport: Urllib3Transport) -> None:
    assert transport.send("GET", platform.url("/moved"), {}, None, connect_s=2, read_s=2).status == 302
    assert len(platform.seen) == 1


def test_silence_after_sending_is_no_answer_and_is_not_repeated(
    platform: Platform, transport: Urllib3Transport
) -> None:
    with pytest.raises(NoAnswer):
        transport.send("POST", platform.url(SILENT), {}, b"{}", connect_s=2, read_s=0.1)
    assert len(platform.seen) == 1


def test_an_answer_that_breaks_off_is_no_answer(platform: Platform, transport: Urllib3Transport) -> None:
    with pytest.raises(NoAnswer):
        transport.send("POST", platform.url("/cut"), {}, b"{}", connect_s=2, read_s=0.2)


def test_a_refused_connection_was_never_sent(transport: Urllib3Transport) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(NoConnection):
            transport.send("POST", url, {}, b"{}", connect_s=2, read_s=2)


def test_a_proxy_that_refuses_means_never_sent() -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        proxied = Urllib3Transport(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(NoConnection):
            proxied.send("GET", "http://platform.example/", {}, None, connect_s=2, read_s=2)
