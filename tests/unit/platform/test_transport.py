"""Which failures of HTTP prove that nothing was sent (auth.md §1, §5; result-codes.md §5)."""

import ssl
from typing import Any

import pytest
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    LocationParseError,
    NewConnectionError,
    ProtocolError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from privatenumber.deadline import Deadline
from privatenumber.platform.transport import (
    MAX_ANSWER_BYTES,
    NoAnswer,
    NoConnection,
    Urllib3Transport,
)

URL = "https://platform.example/x?callerNum=%2B8613800138001"
POOL: Any = None
REFUSED = NewConnectionError(POOL, "refused")


class Answer:
    status = 301
    headers = urllib3.HTTPHeaderDict({"Location": "https://elsewhere.example"})

    def __init__(self, body: bytes = b"{}", fault: Exception | None = None) -> None:
        self.body = body
        self.fault = fault
        self.released = False

    def read(self, amount: int) -> bytes:
        if self.fault:
            raise self.fault
        return self.body[:amount]

    def release_conn(self) -> None:
        self.released = True


def transport(
    monkeypatch: pytest.MonkeyPatch, result: Answer | Exception
) -> tuple[Urllib3Transport, dict[str, Any]]:
    """A transport whose pool gives this result, and the arguments the pool was called with."""
    seen: dict[str, Any] = {}

    def urlopen(method: str, url: str, **arguments: Any) -> Answer:
        seen.update(arguments, method=method, url=url)
        if isinstance(result, Exception):
            raise result
        return result

    made = Urllib3Transport()
    monkeypatch.setattr(made._pool, "urlopen", urlopen)
    return made, seen


@pytest.mark.parametrize(
    "fault",
    [
        REFUSED,
        ConnectTimeoutError("slow"),
        ProxyError("proxy", REFUSED),
        SSLError(ssl.SSLCertVerificationError("untrusted")),
        LocationParseError("nonsense"),
    ],
)
def test_what_fails_before_anything_is_sent_is_no_connection(
    monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    made, _ = transport(monkeypatch, fault)
    with pytest.raises(NoConnection):
        made.send("GET", URL, {}, None, connect_s=1, read_s=1)


@pytest.mark.parametrize(
    "fault",
    [
        ReadTimeoutError(POOL, URL, "slow"),
        ProtocolError("reset", ConnectionResetError()),
        ProxyError("proxy", OSError("reset")),
        SSLError(ssl.SSLEOFError("cut off")),
        ConnectionResetError(),
    ],
)
def test_everything_later_is_no_answer(monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    made, _ = transport(monkeypatch, fault)
    with pytest.raises(NoAnswer):
        made.send("POST", URL, {}, b"{}", connect_s=1, read_s=1)


def test_an_answer_that_breaks_off_is_no_answer_and_frees_its_connection(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = Answer(fault=ProtocolError("cut off"))
    made, _ = transport(monkeypatch, answer)
    with pytest.raises(NoAnswer):
        made.send("GET", URL, {}, None, connect_s=1, read_s=1)
    assert answer.released


def test_an_endless_answer_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = transport(monkeypatch, Answer(b"x" * (MAX_ANSWER_BYTES + 5)))
    with pytest.raises(NoAnswer, match="too large"):
        made.send("GET", URL, {}, None, connect_s=1, read_s=1)


def test_an_error_does_not_carry_the_url(monkeypatch: pytest.MonkeyPatch) -> None:
    """U-D15: the query holds phone numbers."""
    made, _ = transport(monkeypatch, ReadTimeoutError(POOL, URL, URL))
    with pytest.raises(NoAnswer) as failed:
        made.send("GET", URL, {}, None, connect_s=1, read_s=1)
    assert "13800138001" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__


def test_redirects_are_answers_and_nothing_is_repeated_behind_our_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made, seen = transport(monkeypatch, Answer())
    answer = made.send("GET", URL, {"A": "b"}, None, connect_s=1.5, read_s=2.5)
    assert (answer.status, answer.headers["Location"]) == (301, "https://elsewhere.example")
    assert (seen["retries"], seen["redirect"], seen["body"]) == (False, False, None)
    assert seen["headers"] == {"A": "b", "Connection": "close"}
    assert (seen["timeout"].connect_timeout, seen["timeout"].read_timeout) == (1.5, 2.5)


def test_certificates_are_always_verified() -> None:
    """auth.md §1: there is no setting that switches verification off."""
    for made in (Urllib3Transport(), Urllib3Transport("http://proxy.example:3128")):
        assert made._pool.connection_pool_kw.get("cert_reqs", "CERT_REQUIRED") == "CERT_REQUIRED"


def test_a_deadline_counts_down_to_zero() -> None:
    now = 100.0
    deadline = Deadline.after(5, lambda: now)
    assert deadline.remaining() == 5
    now = 106.0
    assert deadline.remaining() == 0
