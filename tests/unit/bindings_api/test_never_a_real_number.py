"""U-D01, U-N01: whatever goes wrong, no answer carries a party's number or a number to call instead."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from builders.bindings_api import (
    APPLICATION,
    COMPANIES,
    EMPTY_APPLICATION,
    LANDLINE,
    NUMBERS,
    PEOPLE,
    X1,
    X2,
    X3,
    A,
    Answer,
    B,
    BindingsApi,
    C,
    D,
)
from builders.bindings_platform import no_answer
from functions.bindings.requests import BindBody, CalleeBody
from privatenumber.codes.results import all_codes
from privatenumber.platform.client import NoAnswer, NoConnection
from privatenumber.settings import Mode

DIGITS = [number.removeprefix("+86") for number in PEOPLE] + ["075520000001"]
REAL_NUMBER_REMEDY = "Do not hand out a real number instead."


def leaked(text: str) -> list[str]:
    """Party numbers that a text shows, in whatever spelling."""
    bare = text.replace("-", "").replace(" ", "")
    return [digits for digits in DIGITS if digits in bare]


@pytest.fixture(autouse=True)
def _nothing_leaks(api: BindingsApi, log_lines: io.StringIO) -> Iterator[None]:
    """Every answer of every test of this module, and every line logged meanwhile (U-D15)."""
    yield
    assert api.answers
    for answer in api.answers:
        assert leaked(answer.text) == []
    logged = log_lines.getvalue()
    assert '"message":"answered"' in logged
    assert leaked(logged) == []


def test_no_result_code_of_the_platform_brings_out_a_number(api: BindingsApi) -> None:
    """Every code of result-codes.md as the answer to a bind."""
    api.add_numbers(X3)
    codes = [code for code in all_codes() if code.http_status >= 400]
    assert len(codes) > 50
    for n, code in enumerate(codes):
        api.pass_time(7200)
        api.platform.script.clear()
        api.platform.script += [(code.http_status, code.code)] * 20
        answer = api.bind(A, B, order=f"code-{n}")
        assert answer.status in (202, 502, 503), code
        if answer.status == 202:
            assert (answer.body["x"], answer.body["dial"]) == (None, None)
        else:
            assert REAL_NUMBER_REMEDY in answer.body["remedy"]
            assert X1 not in answer.text
        for x in (X1, X2, X3):
            api.put_number(x, state="active")


OPERATIONS: dict[str, tuple[Mode, Callable[[BindingsApi, str], Answer]]] = {
    "callee": (Mode.AX, lambda api, identity: api.of("PUT", identity, "/callee", body={"callee": D})),
    "call": (Mode.AX, lambda api, identity: api.of("POST", identity, "/call", body={"callee": D})),
    "partner": (Mode.AXYB, lambda api, identity: api.of("POST", identity, "/partners", body={"b": D})),
    "gone": (
        Mode.AXYB,
        lambda api, identity: api.remove_partner(identity, api.of("GET", identity).body["partners"][0]["id"]),
    ),
}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_no_result_code_brings_out_a_callee_or_a_partner(api: BindingsApi, operation: str) -> None:
    """One code of each outcome (result-codes.md §6), asked of a living binding; X is told only with 200."""
    mode, ask = OPERATIONS[operation]
    api.furnish(mode)
    codes = {code.outcome: code for code in all_codes() if code.http_status >= 400}
    assert len(codes) > 10
    for n, code in enumerate(codes.values()):
        identity = api.bind_in(mode, order=f"code-{n}").body["id"]
        api.platform.script += [(code.http_status, code.code)] * 20
        answer = ask(api, identity)
        assert answer.status in (200, 202, 409, 502, 503), code
        assert ("dial" in answer.body) == (answer.status in (200, 202)), code
        api.platform.script.clear()
        api.pass_time(2400)  # any pause is over
        if api.of("DELETE", identity).status == 202:
            api.pass_time(1200)  # after arrears the first answer only begins the last ten minutes
        assert api.of("DELETE", identity).status == 200


@pytest.mark.parametrize("mode", list(Mode))
def test_nothing_that_a_mode_can_do_shows_a_person(api: BindingsApi, mode: Mode) -> None:
    """Partners, callee, call, change, search by each person, release: what is good, and what is refused."""
    if mode is not Mode.AXB:
        api.furnish(mode)
    x = "17020009999" if mode is Mode.AXYB else NUMBERS[mode][0]
    identity = api.bind_in(mode).body["id"]
    answers = [
        api.of("POST", identity, "/partners", body={"b": C}),
        api.of("POST", identity, "/partners", body={"b": A}),
        api.of("PUT", identity, "/callee", body={"callee": D, "user_reference": "call-1"}),
        api.of("PUT", identity, "/callee", body={"callee": D, "user_reference": f"call {D}"}),
        api.of("POST", identity, "/call", body={"callee": A}),
        api.of("POST", identity, "/call", body={"callee": D}),
        api.of("PATCH", identity, body={"b": D}),
        api.of("PATCH", identity, body={"a": D}),
        api.of("GET", identity),
        *(api.call("GET /bindings", query={"application": COMPANIES[mode], "number": who}) for who in PEOPLE),
        api.call("GET /bindings", query={"application": COMPANIES[mode], "x": x}),
        *(api.remove_partner(identity, one["id"]) for one in api.of("GET", identity).body["partners"]),
        api.of("DELETE", identity),
        api.of("POST", identity, "/call", body={"callee": D}),
    ]
    assert {answer.status for answer in answers} <= {200, 201, 409, 422}
    assert answers[-1].status in (409, 422)


def test_an_end_of_a_call_repeats_nothing_of_its_session(api: BindingsApi) -> None:
    """The platform's newer session ids hold numbers; known, unknown and refused ones."""
    session = f"{A}_1788339600_{X1}@callenabler246.huaweicaas.com"
    api.platform.sessions.add(session)
    outcomes = [api.stop(session), api.stop(session)]
    assert [answer.body for answer in outcomes] == [{"outcome": "stopped"}, {"outcome": "already_ended"}]
    api.platform.script += [no_answer()] * 5
    assert api.stop(session).status == 503
    assert api.stop(session * 6).status == 422


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ((403, "1010029"), 503, "arrears"),
        ((403, "1010010"), 503, "flow-control"),
        ((403, "1011006"), 503, "flow-control"),
        ((403, "1020176"), 503, "locked-out"),
    ],
)
def test_a_platform_that_pauses_us_is_503_with_its_reason_and_an_end(
    api: BindingsApi, code: tuple[int, str], status: int, reason: str
) -> None:
    """result-codes.md §2; C-034, C-035, C-170, C-171, C-173, U-P21."""
    api.platform.script += [code] * 20
    answer = api.bind()
    assert (answer.status, answer.body["reason"], answer.body["platform_code"]) == (status, reason, code[1])
    assert int(answer.headers["retry-after"]) >= 60
    assert answer.body["meaning"]


def test_while_a_pause_lasts_nothing_is_sent_and_the_rest_of_it_is_told(api: BindingsApi) -> None:
    api.platform.script += [(403, "1020176")]
    api.bind()
    api.pass_time(600)
    answer = api.bind()
    assert (answer.status, answer.headers["retry-after"]) == (503, "1200")
    assert len(api.platform.requests) == 1


@pytest.mark.parametrize("code", ["1010002", "1012012", "1010040", "1020178"])
def test_a_definite_refusal_is_502_with_code_meaning_and_remedy(api: BindingsApi, code: str) -> None:
    """C-029, C-030, C-178, C-137."""
    api.platform.script += [(403, code)] * 20
    answer = api.bind()
    assert (answer.status, answer.body["platform_code"]) == (502, code)
    assert answer.body["meaning"]
    assert answer.body["binding_id"]
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("fault", [NoConnection("refused"), no_answer()])
def test_a_platform_out_of_reach_brings_out_no_number(api: BindingsApi, fault: Exception) -> None:
    api.platform.script += [fault] * 20
    api.seconds = 6.0
    answer = api.bind()
    assert answer.status == (202 if isinstance(fault, NoAnswer) else 503)


def empty(api: BindingsApi) -> Answer:
    return api.bind(application=EMPTY_APPLICATION)


def city(api: BindingsApi) -> Answer:
    return api.bind(area="010")


def suspended(api: BindingsApi) -> Answer:
    for x in (X1, X2):
        api.put_number(x, state="suspended")
    return api.bind()


def conflict(api: BindingsApi) -> Answer:
    api.bind(A, C, order="o-1")
    api.bind(A, LANDLINE, order="o-2")
    return api.bind(A, B, order="o-3")


@pytest.mark.parametrize("case", [empty, city, suspended, conflict])
def test_an_empty_pool_is_503_with_its_reason(api: BindingsApi, case: type) -> None:
    """U-A09, U-P01, C-168: the error tells capacity, city or party conflict."""
    answer = case(api)
    assert (answer.status, answer.body["reason"]) == (503, case.__name__)
    assert int(answer.headers["retry-after"]) > 0
    assert REAL_NUMBER_REMEDY in answer.body["remedy"]
    assert "+86" not in answer.text


def test_an_unconfigured_application_is_a_field_error(api: BindingsApi) -> None:
    answer = api.bind(application="unknown-axb")
    assert (answer.status, answer.body["errors"][0]["field"]) == (422, "application")


def test_an_error_nobody_knows_is_500_with_its_request_id_alone(
    api: BindingsApi, monkeypatch: pytest.MonkeyPatch, log_lines: io.StringIO
) -> None:
    def breaks(self: object, *args: object, **kwargs: object) -> None:
        raise RuntimeError(f"cannot bind {A} and 13800138002")

    monkeypatch.setattr("privatenumber.bindings.service.BindingService.bind", breaks)
    answer = api.bind()
    assert (answer.status, answer.body["type"]) == (500, "urn:private-number:problem:internal")
    assert answer.body["request_id"] == "api-request-1"
    assert "RuntimeError" not in answer.text
    assert "RuntimeError: cannot bind +86138****8001 and 138****8002" in log_lines.getvalue()


scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20)
names = st.sampled_from(["a", A, "x"])
json_values = st.recursive(
    scalars | st.sampled_from(DIGITS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=5,
)
FIELDS = [*BindBody.model_fields, "colour", "13800138001"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=6))
def test_a_body_that_breaks_rules_is_answered_without_its_values(
    api: BindingsApi, changes: dict[str, object]
) -> None:
    body = {"application": APPLICATION, "order": "o-1", "a": A, "b": "bad", "ttl_seconds": 60, **changes}
    answer = api.call("POST /bindings", body=json.dumps(body))
    assert answer.status in (400, 422)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["POST /partners", "PUT /callee", "POST /call"]),
    st.dictionaries(st.sampled_from([*CalleeBody.model_fields, "b", "13800138001"]), json_values, max_size=4),
)
def test_what_is_said_of_a_callee_or_partner_is_answered_without_it(
    api: BindingsApi, route: str, body: dict[str, object]
) -> None:
    method, below = route.split()
    answer = api.of(method, "b1", below, body=json.dumps(body))
    assert answer.status in (404, 422)
