"""Lambda's Runtime API for one function process: hands it an event, takes its answer.

The interface is AWS's own (2018-06-01): the process asks `invocation/next`, which blocks until there is an
event, and posts to `invocation/<id>/response`, `invocation/<id>/error` or `init/error`.
"""

from __future__ import annotations

import json
import queue
import threading
import time
import uuid
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PREFIX = "/2018-06-01/runtime/"


@dataclass(frozen=True, slots=True)
class Invocation:
    """An event on its way to the function."""

    id: str
    event: bytes
    deadline_ms: int
    function_arn: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the function posted: its answer, or its error ({"errorMessage", "errorType", "stackTrace"})."""

    payload: Any
    failed: bool


class RuntimeApi:
    """A server on a free loopback port, for one function process at a time."""

    def __init__(self, function_arn: str) -> None:
        self._function_arn = function_arn
        self._waiting: queue.Queue[Invocation] = queue.Queue()
        self._outcomes: queue.Queue[Outcome] = queue.Queue()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler_class())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name="runtime-api", daemon=True).start()

    @property
    def address(self) -> str:
        """Value of AWS_LAMBDA_RUNTIME_API: host and port."""
        return f"127.0.0.1:{self._server.server_address[1]}"

    def submit(self, event: Any, *, timeout_s: float) -> None:
        """Queue an event; the function's deadline is `timeout_s` from now."""
        deadline_ms = int((time.time() + timeout_s) * 1000)
        body = json.dumps(event).encode()
        self._waiting.put(Invocation(str(uuid.uuid4()), body, deadline_ms, self._function_arn))

    def outcome(self, *, wait_s: float) -> Outcome | None:
        """Return what the function posted, or None when nothing came within `wait_s`."""
        try:
            return self._outcomes.get(timeout=wait_s)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Stop serving; the function process has to be gone."""
        self._server.shutdown()
        self._server.server_close()

    def _handler_class(self) -> type[BaseHTTPRequestHandler]:
        api = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            # The whole answer leaves in one flush: the runtime's own client stalls on a split one.
            wbufsize = -1

            def do_GET(self) -> None:
                invocation = api._waiting.get()
                self._answer(
                    200,
                    invocation.event,
                    {
                        "Lambda-Runtime-Aws-Request-Id": invocation.id,
                        "Lambda-Runtime-Deadline-Ms": str(invocation.deadline_ms),
                        "Lambda-Runtime-Invoked-Function-Arn": invocation.function_arn,
                        "Lambda-Runtime-Trace-Id": "Root=1-00000000-000000000000000000000000;Sampled=0",
                    },
                )

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                failed = not self.path.endswith("/response")
                api._outcomes.put(Outcome(json.loads(body or b"null"), failed))
                self._answer(202, b'{"status":"OK"}', {})

            def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                """Say nothing: the function's output is what matters."""

        return Handler
