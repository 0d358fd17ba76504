"""What stands before an API's own table: transport, account, application, mode and key (auth.md §1, §4)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from builders.emulator import APP_KEY, X1, A, B
from builders.platform_requests import AXB, OTHER_KEY, EmulatedApi, query_text
from emulator.api.operations import AX_PATH, AXE_PATH, AXYB_PATH, CALL_STOP_PATH, RECORD_PATH
from emulator.connections import ConnectionDroppedError
from emulator.world import Mode

DAY_S = 86_400
RECORD = RECORD_PATH + query_text({"fileName": "f.wav", "recordDomain": "d"})
PATHS = {"AX": AX_PATH, "AXB": AXB, "AXE": AXE_PATH, "AXYB": AXYB_PATH}
QUERIES = {
    "AX": query_text({"privateNum": X1}),
    "AXB": query_text({"relationNum": X1}),
    "AXE": query_text({"virtualNum": X1, "extendNum": "0007"}),
    "AXYB": query_text({"app_key": APP_KEY, "relationNum": X1}),
}
NOTHING_FOUND = {"AX": "1016001", "AXB": "1012007", "AXE": "1016001", "AXYB": "1016001"}


@pytest.fixture
def built() -> Iterator[Any]:
    made: list[EmulatedApi] = []

    def build(mode: str = "AXB", **settings: Any) -> EmulatedApi:
        made.append(EmulatedApi(**settings))
        made[-1].put_application(mode=Mode(mode))
        return made[-1]

    yield build
    for api in made:
        api.close()


# transport


def test_plain_http_may_be_refused(built: Any) -> None:
    """Decision 3: a closed port gives no answer either."""
    with pytest.raises(ConnectionDroppedError):
        built(http={"allow_plain": False}).query(relationNum=X1)


@pytest.mark.parametrize(("source", "served"), [("203.0.113.7", False), ("198.51.100.7", True)])
def test_addresses_of_listed_blocks_get_no_answer(built: Any, source: str, served: bool) -> None:
    """Decision 5: no result code at all."""
    api = built(net={"drop_cidrs": ["203.0.113.0/24"]})
    if served:
        assert api.send("GET", AXB + QUERIES["AXB"], source=source).outcome == (403, "1012007")
        return
    with pytest.raises(ConnectionDroppedError):
        api.send("GET", AXB + QUERIES["AXB"], source=source)


@pytest.mark.parametrize(("close", "header"), [(True, "close"), (False, None)])
def test_the_emulator_closes_connections_unless_told_otherwise(
    built: Any, close: bool, header: str | None
) -> None:
    """Decision 4."""
    answer = built(http={"connection_close": close}).query(relationNum=X1)
    assert answer.headers.get("connection") == header


# every mode's API alike


@pytest.mark.parametrize("mode", PATHS)
@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"subscriptionId":"1","privateNum":"+8617010000002"}', b"x" * 70_000]
)
def test_a_body_of_get_and_delete_is_ignored(built: Any, mode: str, body: bytes) -> None:
    """Decision 39: whatever its type; parameters only in the body are none."""
    api = built(mode)
    url = PATHS[mode] + QUERIES[mode]
    assert api.send("GET", url, content=body).outcome == (403, NOTHING_FOUND[mode])
    bare = PATHS[mode] + ("?app_key=" + APP_KEY if mode == "AXYB" else "")
    for method in ("GET", "DELETE"):
        assert api.send(method, bare, content=body).outcome == (403, "1010002")


@pytest.mark.parametrize("mode", PATHS)
@pytest.mark.parametrize(("strictness", "second"), [("lenient", None), ("strict", (401, "1010010"))])
def test_a_nonce_may_be_used_again_in_lenient(built: Any, mode: str, strictness: str, second: Any) -> None:
    """Decision 23: one header set with several different calls."""
    api = built(mode, strictness=strictness)
    headers = {**api.signed(), "Content-Type": "application/json"}
    found = (403, NOTHING_FOUND[mode])
    url = PATHS[mode] + QUERIES[mode]
    assert api.send("GET", url, headers=headers).outcome == found
    assert api.send("GET", url, headers=headers).outcome == (second or found)


@pytest.mark.parametrize("mode", [*PATHS, "X"])
@pytest.mark.parametrize("asked", PATHS)
def test_an_application_has_the_api_of_its_mode_only(built: Any, mode: str, asked: str) -> None:
    """C-030; auth.md §4 step 22: before everything that a request carries."""
    answer = built(mode).send("GET", PATHS[asked] + QUERIES[asked])
    assert answer.outcome == ((403, NOTHING_FOUND[mode]) if mode == asked else (403, "1010040"))


@pytest.mark.parametrize("mode", [*PATHS, "X"])
def test_recordings_and_terminate_call_belong_to_every_mode(built: Any, mode: str) -> None:
    api = built(mode)
    assert api.send("GET", RECORD).outcome == (403, "1012007")
    stop = {"sessionid": "1", "signal": "call_stop"}
    assert api.send("POST", CALL_STOP_PATH, body=stop).outcome == (500, "1020152")


@pytest.mark.parametrize(
    ("query", "body", "code"),
    [
        pytest.param({}, b"{", "1010002", id="missing, before the body"),
        pytest.param({"app_key": ""}, b"{}", "1010002", id="empty"),
        pytest.param({"app_key": OTHER_KEY}, b"{", "1010003", id="different, before the body"),
        pytest.param({"app_key": APP_KEY}, b"{", "1010002", id="right: then the body counts"),
    ],
)
def test_axyb_names_the_application_in_the_query(
    built: Any, query: dict[str, str], body: bytes, code: str
) -> None:
    """auth.md §4 step 24 before step 25; decision 129."""
    answer = built("AXYB").send("POST", AXYB_PATH + query_text(query), content=body)
    assert answer.outcome == (403, code)


def test_other_modes_read_no_query_beside_a_body(built: Any) -> None:
    """numbers.md §7.1: any other query parameter is ignored, also a repeated one in strict."""
    api = built(strictness="strict")
    body = (
        b'{"callerNum":"'
        + A.encode()
        + b'","calleeNum":"'
        + B.encode()
        + b'","relationNum":"'
        + X1.encode()
        + b'"}'
    )
    headers = {**api.signed(), "Content-Type": "application/json"}
    answer = api.send("POST", AXB + "?a=1&a=2&callerNum=+1", content=body, headers=headers)
    assert answer.outcome == (200, "0")


# arrears (numbers.md §3, billing-rules.md §7)


@pytest.mark.parametrize("mode", PATHS)
@pytest.mark.parametrize(("days", "code"), [(0, "1010029"), (31, "1010029"), (32, "1012102")])
def test_arrears_refuse_every_api_and_later_otherwise(built: Any, mode: str, days: int, code: str) -> None:
    """C-033, C-034; longer than a month the numbers stand on the platform's blacklist."""
    api = built(mode)
    api.emulator.numbers.enter_arrears("default")
    api.advance(days * DAY_S)
    assert api.send("GET", PATHS[mode] + QUERIES[mode]).outcome == (403, code)


@pytest.mark.parametrize("code", ["1010029", "1012007"])
def test_recordings_have_a_code_of_their_own_in_arrears(built: Any, code: str) -> None:
    """Decision 171; other APIs are not affected."""
    api = built(arrears={"record_code": code})
    api.emulator.numbers.enter_arrears("default")
    assert api.send("GET", RECORD).outcome == (403, code)
    assert api.query(relationNum=X1).outcome == (403, "1010029")


def test_an_unsubscribed_number_is_not_the_applications_any_more(built: Any) -> None:
    """C-031, C-032; decision 65: 1011001, 1012007, 1012001 by mode."""
    bodies = {
        "AX": {"origNum": A, "privateNum": X1},
        "AXB": {"callerNum": A, "calleeNum": B, "relationNum": X1},
        "AXE": {"bindNum": A, "virtualNum": X1},
    }
    codes = {}
    for mode, body in bodies.items():
        api = built(mode)
        api.emulator.numbers.unsubscribe(X1)
        codes[mode] = api.send("POST", PATHS[mode], body=body).code
    assert codes == {"AX": "1011001", "AXB": "1012007", "AXE": "1012001"}


# what was never set (ax.md §5; decision 86)


def test_ax_shows_only_what_was_set(built: Any) -> None:
    api = built("AX")
    api.send("POST", AX_PATH, body={"origNum": A, "privateNum": X1})
    [row] = api.send("GET", AX_PATH + QUERIES["AX"]).json["privateNumList"]
    assert set(row) == {
        "origNum", "privateNum", "privateNumType", "subscriptionId", "subscribeTime", "recordFlag",
    }  # fmt: skip
    api.send("PUT", AX_PATH, body={"privateNum": X1, "turnFlag": "ON", "maxDuration": 0, "privateSms": False})
    [row] = api.send("GET", AX_PATH + QUERIES["AX"]).json["privateNumList"]
    assert (row["turnFlag"], row["maxDuration"], row["privateSms"]) == ("on", 0, "false")


def test_ax_lists_a_by_age_whatever_was_modified(built: Any) -> None:
    """ax.md §5: oldest first; the time of the bind does not move."""
    api = built("AX")
    numbers = ["+8617010000002", X1, "+8617010000003"]
    for x in numbers:
        assert api.send("POST", AX_PATH, body={"origNum": A, "privateNum": x}).code == "0"
    api.send("PUT", AX_PATH, body={"privateNum": numbers[0], "userData": "changed"})
    rows = api.send("GET", AX_PATH + query_text({"origNum": A})).json["privateNumList"]
    assert [row["privateNum"] for row in rows] == numbers


@pytest.mark.parametrize(
    ("value", "lenient", "strict"),
    [("on", "0", "0"), ("Off", "0", "1010002"), (True, "0", "1010002"), ("x", "1010002", "1010002")],
)
def test_turn_flag_in_both_strictnesses(built: Any, value: Any, lenient: str, strict: str) -> None:
    """numbers.md §7.2."""
    for strictness, code in (("lenient", lenient), ("strict", strict)):
        api = built("AX", strictness=strictness)
        headers = {**api.signed(), "Content-Type": "application/json"}
        body = {"origNum": A, "privateNum": X1, "turnFlag": value}
        assert api.send("POST", AX_PATH, body=body, headers=headers).code == code


@pytest.mark.parametrize(("mode", "code"), [("AX", "0"), ("AXE", "0"), ("AXB", "1010002")])
def test_only_axb_forbids_the_caret(built: Any, mode: str, code: str) -> None:
    """numbers.md §7.4, in strict."""
    api = built(mode, strictness="strict")
    body: dict[str, Any] = {
        "AX": {"origNum": A, "privateNum": X1},
        "AXE": {"bindNum": A, "virtualNum": X1},
        "AXB": {"callerNum": A, "calleeNum": B, "relationNum": X1},
    }[mode]
    headers = {**api.signed(), "Content-Type": "application/json"}
    assert api.send("POST", PATHS[mode], body={**body, "userData": "a^b"}, headers=headers).code == code
