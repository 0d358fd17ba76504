"""The admin API: every order of a person or a test, and helpful refusals (design.md §8)."""

from __future__ import annotations

import csv
import io
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import httpx
import pytest

from builders.emulator import APP_KEY, SECRET, X1, X2, A, B, C, RunningEmulator, running_emulator
from builders.platform_requests import AXB
from privatenumber.signing import Scheme, matches, new_nonce, read_push_token, sign

START = datetime(2026, 9, 2, 1, 0, tzinfo=UTC)


class Receiver:
    """A customer's server on loopback that keeps what it is pushed."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], dict[str, Any]]] = []
        self.status = 200
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((dict(self.headers), json.loads(body)))
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                """Keep the test's output clean."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.received]


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()


@pytest.fixture
def receiver(emulator: RunningEmulator) -> Iterator[Receiver]:
    """A receiver that is configured for every kind of push."""
    with receiving() as started:
        kinds = ("status", "fee", "num_status", "sms_notify", "sms_control")
        urls = {kind: f"{started.url}/{kind}" for kind in kinds}
        emulator.admin.application(urls=urls, push_num_status=True)
        yield started


def bind(emulator: RunningEmulator, a: str = A, b: str = B, x: str = X1, **fields: Any) -> str:
    headers = sign(Scheme.AKSK, APP_KEY, SECRET, created=emulator.admin.now(), nonce=new_nonce())
    body = {"callerNum": a, "calleeNum": b, "relationNum": x, **fields}
    answer = httpx.post(emulator.address + AXB, json=body, headers={**headers}, trust_env=False)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["subscriptionId"])


def ask(emulator: RunningEmulator, method: str, path: str, body: Any = None) -> httpx.Response:
    return httpx.request(method, f"{emulator.address}/__emu{path}", json=body, trust_env=False)


# Clock


def test_a_served_emulator_tells_that_it_is_well(emulator: RunningEmulator) -> None:
    health = emulator.admin.health()
    assert (health["status"], health["clock"], health["failures"]) == ("ok", "virtual", [])


def test_the_clock_moves_when_told_and_only_then(emulator: RunningEmulator) -> None:
    assert emulator.admin.now() == START
    emulator.admin.advance(90)
    assert emulator.admin.now() == START + timedelta(seconds=90)
    emulator.admin.advance_to(START + timedelta(days=1))
    assert emulator.admin.now() == START + timedelta(days=1)


def test_the_clock_does_not_go_back(emulator: RunningEmulator) -> None:
    answer = ask(emulator, "POST", "/clock", {"now": "2026-09-01T00:00:00Z"})
    assert answer.status_code == 409
    assert "forward" in answer.json()["error"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/clock", '{"now": "9999-12-31T23:59:59Z"}'),
        ("/clock/advance", '{"seconds": 1e15}'),
        ("/clock/advance", '{"seconds": 1e999}'),
        ("/clock/advance", '{"seconds": NaN}'),
        ("/reset", '{"now": "9999-12-31T23:59:59Z"}'),
        ("/reset", '{"now": "0001-01-01T00:00:00+14:00"}'),
        ("/reset", '{"now": "2026-09-02T01:00:00"}'),
    ],
)
def test_the_clock_stays_within_the_calendar(emulator: RunningEmulator, path: str, body: str) -> None:
    """At its ends no Beijing day can be told any more, and every later order would fail."""
    answer = httpx.post(f"{emulator.address}/__emu{path}", content=body, trust_env=False)
    assert answer.status_code == 422
    assert emulator.admin.now() == START


@pytest.mark.parametrize("body", [b"[" * 100_000, b"\xff", b"{"])
def test_an_order_that_is_no_json_is_refused(emulator: RunningEmulator, body: bytes) -> None:
    answer = httpx.post(f"{emulator.address}/__emu/calls", content=body, trust_env=False)
    assert (answer.status_code, "no JSON" in answer.json()["error"]) == (400, True)


def test_a_real_clock_jumps_ahead() -> None:
    with running_emulator(clock="real") as emulator:
        emulator.admin.advance(86_400)
        ahead = emulator.admin.now() - datetime.now(UTC)
        assert timedelta(hours=23, minutes=59) < ahead <= timedelta(days=1)


# Applications and numbers


def test_an_application_is_shown_without_its_secrets(emulator: RunningEmulator) -> None:
    shown = emulator.admin.application(urls={"status": "https://receiver.example.com/status"})
    assert shown["app_key"] == APP_KEY
    assert SECRET not in json.dumps(shown)


def test_an_application_has_one_mode_for_life(emulator: RunningEmulator) -> None:
    """numbers.md §4."""
    answer = ask(emulator, "PUT", f"/applications/{APP_KEY}", {"secrets": [SECRET], "mode": "AX"})
    assert answer.status_code == 409


@pytest.mark.parametrize("url", ["ftp://host/x", "https://host/with blank", "no address", "https://"])
def test_a_push_address_is_checked_as_the_console_does(emulator: RunningEmulator, url: str) -> None:
    """notifications.md §2.7."""
    answer = ask(emulator, "PUT", f"/applications/{APP_KEY}", {"secrets": [SECRET], "urls": {"fee": url}})
    assert answer.status_code == 422
    assert answer.json()["problems"][0]["field"] == "urls.fee"


def test_numbers_are_issued_today_in_beijing_unless_told_otherwise(emulator: RunningEmulator) -> None:
    emulator.admin.advance_to(datetime(2026, 9, 2, 17, 0, tzinfo=UTC))
    shown = emulator.admin.numbers("17010000011", type="carrier")["numbers"][0]
    assert (shown["x"], shown["issued_on"], shown["number_type"]) == (
        "+8617010000011",
        "2026-09-03",
        "carrier",
    )
    shown = emulator.admin.numbers("+8617010000012", issued_on="2026-08-26")["numbers"][0]
    assert shown["issued_on"] == "2026-08-26"


@pytest.mark.parametrize("number", ["+8675520000001", "95500", "hello"])
def test_an_x_always_has_the_form_of_a_mobile_number(emulator: RunningEmulator, number: str) -> None:
    answer = ask(emulator, "POST", "/numbers", {"app_key": APP_KEY, "numbers": [{"number": number}]})
    assert answer.status_code == 422
    assert "13" not in answer.json()["error"]


def test_numbers_need_a_known_application(emulator: RunningEmulator) -> None:
    answer = ask(emulator, "POST", "/numbers", {"app_key": "nobody", "numbers": [{"number": X1}]})
    assert (answer.status_code, "PUT applications" in answer.json()["error"]) == (404, True)


# Number life


@pytest.mark.parametrize(
    ("status", "cause"),
    [("9", None), ("11", None), ("10", "3"), ("10", "1"), ("10", "9"), ("10", None)],
)
def test_a_new_state_is_pushed(
    emulator: RunningEmulator, receiver: Receiver, status: str, cause: str | None
) -> None:
    """notifications.md §7; C-004, C-050."""
    emulator.admin.number_status(X1, status, cause)
    emulator.admin.advance(0)
    info = {"number": X1, "status": status} | ({"cause": cause} if cause else {})
    assert receiver.bodies() == [{"eventType": "numStatus", "numInfo": [info]}]


def test_the_same_state_again_is_not_pushed(emulator: RunningEmulator, receiver: Receiver) -> None:
    for _ in range(2):
        emulator.admin.number_status(X1, "9")
    emulator.admin.advance(0)
    assert len(receiver.received) == 1


def test_no_state_is_pushed_while_the_switch_is_off(emulator: RunningEmulator, receiver: Receiver) -> None:
    """Decision 202."""
    emulator.admin.application(urls={"status": f"{receiver.url}/status"})
    emulator.admin.number_status(X1, "9")
    emulator.admin.advance(0)
    assert receiver.received == []


def test_a_deleted_number_loses_its_bindings_and_counts_as_unsubscribed(emulator: RunningEmulator) -> None:
    bind(emulator)
    shown = emulator.admin.number_status(X1, "10", "1")
    assert (shown["unsubscribed_on"], shown["pairs"]) == ("2026-09-02", 0)
    assert emulator.admin.bindings(X1) == []


@pytest.mark.parametrize(
    "body", [{"status": "9", "cause": "3"}, {"status": "10", "cause": "4"}, {"status": "7"}]
)
def test_a_state_that_does_not_exist_is_refused(emulator: RunningEmulator, body: dict[str, str]) -> None:
    assert ask(emulator, "PUT", "/numbers/17010000001/status", body).status_code == 422


def test_the_state_of_an_unknown_number_is_refused(emulator: RunningEmulator) -> None:
    assert ask(emulator, "PUT", "/numbers/17010000099/status", {"status": "9"}).status_code == 404


def test_a_changed_setting_takes_effect_after_the_consoles_delay() -> None:
    """Decision 9: real consoles take 10 to 15 minutes; a new application is there at once."""
    with running_emulator(app={"change_delay_s": 900}) as emulator:
        emulator.admin.application(status="disabled")
        headers = sign(Scheme.AKSK, APP_KEY, SECRET, created=emulator.admin.now(), nonce=new_nonce())
        codes = []
        for wait_s in (0, 899, 1):
            emulator.admin.advance(wait_s)
            answer = httpx.get(
                f"{emulator.address}{AXB}?relationNum=1701", headers={**headers}, trust_env=False
            )
            codes.append(answer.json()["resultcode"])
        assert codes == ["1012007", "1012007", "1010008"]


# life of numbers (operations.md §6)


def test_an_ordered_number_comes_later_and_waits_for_its_registration(emulator: RunningEmulator) -> None:
    x = "+8617010000055"
    assert emulator.admin.numbers(x, issue_after_s=3600, activated=False) == {"numbers": []}
    emulator.admin.advance(3600)
    assert number(emulator, x)["console"] == "pending_real_name"
    assert emulator.admin.number(x, "activate")["console"] == "in_use"


def test_a_number_is_unsubscribed_with_its_bindings(emulator: RunningEmulator, receiver: Receiver) -> None:
    bind(emulator)
    emulator.admin.number(X1, "unsubscribe")
    emulator.admin.advance(1)
    assert receiver.bodies()[-1]["numInfo"] == [{"number": X1, "status": "10", "cause": "1"}]
    assert emulator.admin.bindings() == []
    assert number(emulator, X1)["console"] == "returned"


def test_a_number_is_transferred_without_a_push(emulator: RunningEmulator, receiver: Receiver) -> None:
    emulator.admin.application("another", mode="AX")
    assert emulator.admin.number(X1, "transfer", app_key="another", takes_s=60)["console"] == "transferring"
    emulator.admin.advance(60)
    assert number(emulator, X1)["app_key"] == "another"
    assert receiver.bodies() == []


@pytest.mark.parametrize(
    ("order", "body", "status"),
    [
        ("activate", {}, 422),
        ("transfer", {"app_key": "nobody"}, 422),
        ("transfer", {}, 422),
    ],
)
def test_an_order_that_cannot_be_followed_is_explained(
    emulator: RunningEmulator, order: str, body: dict[str, str], status: int
) -> None:
    answer = httpx.post(f"{emulator.address}/__emu/numbers/{X1[3:]}/{order}", json=body, trust_env=False)
    assert (answer.status_code, bool(answer.json()["error"])) == (status, True)


def test_numbers_are_released_only_in_arrears(emulator: RunningEmulator) -> None:
    path = f"{emulator.address}/__emu/accounts/default/release"
    assert httpx.post(path, trust_env=False).status_code == 409
    emulator.admin.arrears(True)
    emulator.admin.release()
    assert {one["cause"] for one in emulator.admin.truth()["numbers"]} == {"2"}
    assert httpx.post(f"{emulator.address}/__emu/accounts/none/release", trust_env=False).status_code == 404


def test_nothing_is_ordered_in_arrears(emulator: RunningEmulator) -> None:
    emulator.admin.arrears(True)
    body = {"app_key": APP_KEY, "numbers": [{"number": "17010000055"}]}
    answer = httpx.post(f"{emulator.address}/__emu/numbers", json=body, trust_env=False)
    assert (answer.status_code, "arrears" in answer.json()["error"]) == (409, True)


# SMS (notifications.md §6)


def test_an_sms_runs_to_its_outcome_and_its_push_arrives(
    emulator: RunningEmulator, receiver: Receiver
) -> None:
    bind(emulator)
    sms = emulator.admin.sms("13800138001", "17010000001", "I am at the gate", wait=True)
    assert (sms["send_result"], sms["receiver"], sms["parts_sent"]) == (0, B, 1)
    [told] = [body["smsEvent"] for body in receiver.bodies() if "smsEvent" in body]
    assert (told["smsIdentifier"], told["called"]) == (sms["id"], B)
    assert [one["id"] for one in emulator.admin.messages()] == [sms["id"]]
    assert emulator.admin.truth()["sms"][0]["amount"] == "0.28"


def test_an_sms_without_waiting_runs_on_the_clock(emulator: RunningEmulator) -> None:
    bind(emulator)
    assert emulator.admin.sms(A, X1, "hello", takes_s=30)["send_result"] is None
    emulator.admin.advance(30)
    assert emulator.admin.messages()[0]["send_result"] == 0


def test_a_question_is_asked_of_the_customers_server(emulator: RunningEmulator, receiver: Receiver) -> None:
    """The receiver answers 200 without a body: no decision in time (sendResult 7)."""
    urls = {"sms_notify": f"{receiver.url}/sms", "sms_control": f"{receiver.url}/sms"}
    emulator.admin.application("doctors", mode="X", urls=urls)
    emulator.admin.numbers("+8617010000055", app_key="doctors")
    sms = emulator.admin.sms(A, "+8617010000055", "hello", wait=True)
    assert (sms["asked"], sms["send_result"]) == (True, 7)
    modes = [body["smsEvent"]["notificationMode"] for body in receiver.bodies()]
    assert modes == ["Block", "Notify"]


def test_sms_of_a_number_are_switched_off(emulator: RunningEmulator) -> None:
    bind(emulator)
    emulator.admin.switch_sms(X1, False)
    assert emulator.admin.sms(A, X1, "hello", wait=True)["send_result"] == 11


def test_an_sms_nobody_can_take_is_explained(emulator: RunningEmulator) -> None:
    told = emulator.admin.sms(A, "+8617010000099", "hello", wait=True)
    assert (told["id"], told["send_result"], "nobody knows" in told["text"]) == (None, None, True)


def test_arrears_suspend_all_numbers_until_ten_minutes_after_payment(
    emulator: RunningEmulator, receiver: Receiver
) -> None:
    """numbers.md §3; C-075: one message for many numbers; a frozen number returns to what it was."""
    emulator.admin.number_status(X2, "11")
    emulator.admin.arrears(True)
    emulator.admin.arrears(False)
    emulator.admin.advance(599)
    states = [[(info["number"], info["status"]) for info in body["numInfo"]] for body in receiver.bodies()]
    assert states == [[(X2, "11")], [(X1, "9"), (X2, "9"), ("+8617010000003", "9")]]
    emulator.admin.advance(1)
    emulator.admin.advance(0)
    restored = [(info["number"], info["status"]) for info in receiver.bodies()[2]["numInfo"]]
    assert restored == [(X1, "5"), (X2, "11"), ("+8617010000003", "5")]


# Calls and pushes


def test_a_call_runs_to_its_end_and_its_pushes_arrive_signed(
    emulator: RunningEmulator, receiver: Receiver
) -> None:
    """The main journey in one process: bind, call, events and CDR (C-003, C-004)."""
    bound = bind(emulator, userData="order-1")
    call = emulator.admin.call(A, X1, talk_s=95, wait=True)
    assert (call["talk_seconds"], call["state_code"]) == (95, 0)
    kinds = [body["eventType"] for body in receiver.bodies()]
    assert sorted(kinds) == sorted(["callin", "callout", "alerting", "answer", "disconnect", "fee"])
    [fee] = [body for body in receiver.bodies() if body["eventType"] == "fee"]
    entry = fee["feeLst"][0]
    assert (entry["subscriptionId"], entry["bindNum"], entry["fwdDstNum"]) == (bound, X1, B)
    for headers, _ in receiver.received:
        token = read_push_token(headers, schemes=[Scheme.AKSK], strict=True)
        assert token.username == APP_KEY
        assert matches(token, [SECRET])


def test_a_call_without_waiting_runs_on_the_clock(emulator: RunningEmulator) -> None:
    bind(emulator)
    answer = ask(emulator, "POST", "/calls", {"caller": A, "called": X1, "talk_s": 60})
    assert (answer.status_code, answer.json()["ended_at"]) == (202, None)
    emulator.admin.advance(300)
    assert [call["talk_seconds"] for call in emulator.admin.calls()] == [60]


def test_a_call_to_a_number_nobody_knows_leaves_no_trace(emulator: RunningEmulator) -> None:
    """axb.md §6.2 row 1."""
    assert emulator.admin.call(A, "17010000099", wait=True)["session_id"] is None
    assert emulator.admin.calls() == []


def test_a_stranger_hears_8014(emulator: RunningEmulator, receiver: Receiver) -> None:
    bind(emulator)
    call = emulator.admin.call(C, X1, wait=True)
    assert (call["state_code"], call["subscription_id"]) == (8014, None)
    assert [body["eventType"] for body in receiver.bodies()].count("fee") == 1


def test_a_failed_push_comes_again_by_the_schedule_and_on_demand(
    emulator: RunningEmulator, receiver: Receiver
) -> None:
    """C-053: minutes 1 and 4; then a resend of a person."""
    receiver.status = 500
    emulator.admin.number_status(X1, "9")
    emulator.admin.advance(0)
    emulator.admin.advance(60)
    [delivery] = emulator.admin.deliveries(state="pending", kind="num_status")
    assert [attempt["status"] for attempt in delivery["attempts"]] == [500, 500]
    receiver.status = 200
    resent = emulator.admin.resend(delivery["id"])
    assert (resent["state"], len(resent["attempts"])) == ("delivered", 3)
    emulator.admin.advance(86_400)
    assert len(receiver.received) == 3


def test_a_withheld_cdr_is_in_the_truth_and_in_the_export(
    emulator: RunningEmulator, receiver: Receiver
) -> None:
    bind(emulator)
    emulator.admin.fault("lose", where="push", match={"kind": "fee"})
    call = emulator.admin.call(A, X1, talk_s=61, wait=True)
    assert "fee" not in [body["eventType"] for body in receiver.bodies()]
    [charge] = emulator.admin.truth()["calls"]
    assert (charge["icid"], charge["minutes"], charge["amount"]) == (call["icid"], 2, "0.20")
    text = emulator.admin.export("calls", month="2026-09").decode()
    [row] = csv.DictReader(io.StringIO(text))
    assert (row["record_id"], row["billed_minutes"]) == (call["icid"], "2")
    text = emulator.admin.export("calls", month="2026-09", omit_icid=call["icid"]).decode()
    assert list(csv.DictReader(io.StringIO(text))) == []


@pytest.mark.parametrize("name", ["calls", "bill", "numbers", "stats", "quota"])
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_every_file_of_the_console_can_be_written(
    emulator: RunningEmulator, name: str, encoding: str
) -> None:
    content = emulator.admin.export(name, month="2026-09", encoding=encoding, headers="zh")
    assert content.decode(encoding).count(",") > 5


@pytest.mark.parametrize(
    ("path", "status"),
    [("/exports/secrets.csv", 404), ("/exports/calls.csv?month=9", 422), ("/exports/calls.csv?wrong=1", 422)],
)
def test_a_file_that_does_not_exist_is_refused(emulator: RunningEmulator, path: str, status: int) -> None:
    assert ask(emulator, "GET", path).status_code == status


# Packages


def test_a_package_is_bought_and_listed_with_what_is_left(emulator: RunningEmulator) -> None:
    """C-108: effective with the next full hour, 11:00 Beijing after a purchase at 10:00 sharp."""
    emulator.admin.advance(3600)
    answer = ask(emulator, "POST", "/accounts/default/packages", {"minutes": 500, "count": 2})
    assert answer.status_code == 201
    bought = ask(emulator, "GET", "/accounts/default/packages").json()["packages"]
    assert bought == answer.json()["packages"]
    assert [package["number"] for package in bought] == ["package-0001", "package-0002"]
    assert {package["effective_at"] for package in bought} == {"2026-09-02T03:00:00.000Z"}
    assert ("2026-09,,package,,,2,38,76.00,0,0.00,76.00,CNY") in emulator.admin.export(
        "bill", month="2026-09"
    ).decode()


@pytest.mark.parametrize(
    ("account", "body", "status"),
    [
        ("default", {"minutes": 501}, 422),
        ("default", {"minutes": 500, "count": 0}, 422),
        ("nobody", {"minutes": 500}, 404),
    ],
    ids=["not sold", "none of it", "no account"],
)
def test_what_cannot_be_bought_is_refused(
    emulator: RunningEmulator, account: str, body: dict[str, Any], status: int
) -> None:
    assert ask(emulator, "POST", f"/accounts/{account}/packages", body).status_code == status


def test_an_account_in_arrears_or_without_numbers_buys_no_package(emulator: RunningEmulator) -> None:
    """billing-rules.md §5, §7: ordering is disabled; a purchase without numbers is refused."""
    wanted = {"minutes": 500}
    ask(emulator, "PUT", "/applications/other", {"secrets": [SECRET], "account": "other"})
    assert ask(emulator, "POST", "/accounts/other/packages", wanted).status_code == 409
    ask(emulator, "PUT", "/accounts/default", {"frozen": True})
    assert ask(emulator, "POST", "/accounts/default/packages", wanted).status_code == 409
    assert ask(emulator, "GET", "/accounts/default/packages").json() == {"packages": []}


# Faults, journal, reset


def test_faults_are_ordered_listed_and_withdrawn(emulator: RunningEmulator) -> None:
    first = emulator.admin.fault("status", params={"http_status": 503})
    emulator.admin.fault("lose", where="push")
    assert [fault["kind"] for fault in emulator.admin.faults()] == ["status", "lose"]
    assert ask(emulator, "DELETE", f"/faults/{first['id']}").status_code == 204
    assert ask(emulator, "DELETE", f"/faults/{first['id']}").status_code == 404
    emulator.admin.clear_faults()
    assert emulator.admin.faults() == []


def test_a_fault_that_cannot_be_is_explained(emulator: RunningEmulator) -> None:
    answer = ask(emulator, "POST", "/faults", {"where": "api", "kind": "lose"})
    assert answer.status_code == 422
    assert "timeout_after_success" in answer.json()["problems"][0]["problem"]


def test_the_journal_is_filtered_and_counted(emulator: RunningEmulator) -> None:
    bind(emulator)
    bind(emulator, x=X2)
    assert [entry["x"] for entry in emulator.admin.requests(api="axb.bind", x=X2)] == [X2]
    assert len(emulator.admin.requests(limit="1")) == 1
    assert emulator.admin.counts() == {"axb.bind": {"0": 2}}
    assert ask(emulator, "GET", "/requests?limit=x").status_code == 422


def test_a_reset_forgets_everything_and_repeats_the_same_ids(emulator: RunningEmulator) -> None:
    first = bind(emulator)
    emulator.admin.advance(500)
    emulator.admin.reset(now=START.isoformat())
    assert (emulator.admin.bindings(), emulator.admin.counts(), emulator.admin.now()) == ([], {}, START)
    emulator.admin.application()
    emulator.admin.numbers(X1)
    assert bind(emulator) == first


def test_a_reset_may_change_seed_and_settings(emulator: RunningEmulator) -> None:
    health = emulator.admin.reset(seed=9, settings={"strictness": "strict"})
    assert (health["seed"], health["strictness"]) == (9, "strict")
    answer = ask(emulator, "POST", "/reset", {"settings": {"push": {"wrong": 1}}})
    assert (answer.status_code, answer.json()["problems"][0]["field"]) == (422, "push.wrong")


def test_an_unknown_route_lists_the_known_ones(emulator: RunningEmulator) -> None:
    answer = ask(emulator, "GET", "/helth")
    assert answer.status_code == 404
    assert "GET /__emu/health" in answer.json()["routes"]


def test_a_wrong_method_is_explained_as_well(emulator: RunningEmulator) -> None:
    assert ask(emulator, "DELETE", "/health").status_code == 405


def test_a_body_that_is_no_json_is_explained(emulator: RunningEmulator) -> None:
    answer = httpx.post(f"{emulator.address}/__emu/calls", content=b"{", trust_env=False)
    assert (answer.status_code, "JSON" in answer.json()["error"]) == (400, True)


def test_two_advances_at_once_add_up(emulator: RunningEmulator) -> None:
    threads = [threading.Thread(target=emulator.admin.advance, args=(30,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert emulator.admin.now() == START + timedelta(seconds=120)


def number(emulator: RunningEmulator, x: str) -> dict[str, Any]:
    numbers = httpx.get(f"{emulator.address}/__emu/numbers", trust_env=False).json()["numbers"]
    found: dict[str, Any] = next(one for one in numbers if one["x"] == x)
    return found
