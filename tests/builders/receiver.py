"""A customer's server on loopback: it keeps what it is pushed and answers what it is told to."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]


class Receiver:
    """Received pushes by order of arrival. ``answer`` is the JSON of the next answers, None = empty."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], Json]] = []
        self.status = 200
        self.answer: Any = None
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                receiver.received.append((dict(self.headers), body))
                answer = b"" if receiver.answer is None else json.dumps(receiver.answer).encode()
                self.send_response(receiver.status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test's output clean."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def bodies(self, root: str) -> list[Json]:
        """The bodies that have that member, in order of arrival."""
        return [body for _, body in self.received if root in body]

    def events(self) -> list[Json]:
        """Call events in the order in which they happened: parallel pushes may overtake each other."""
        ranks = ("callin", "collectInfo", "callout", "alerting", "answer", "disconnect")
        events = self.bodies("statusInfo")
        return sorted(
            events, key=lambda body: (body["statusInfo"]["timestamp"], ranks.index(body["eventType"]))
        )

    def urls(self) -> dict[str, str]:
        """An address for every kind of push (notifications.md §1)."""
        kinds = ("status", "fee", "num_status", "sms_notify", "sms_control")
        return {kind: f"{self.url}/{kind}" for kind in kinds}


@contextmanager
def receiving() -> Iterator[Receiver]:
    """A receiver that listens until the block ends."""
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()
