"""The emulator's door under its settings: schemes, clock, nonces, flow control, lock-out (auth.md §4-§11).

What any platform shows at its door is in ``protocol/test_signature.py``. C-028, C-034, C-035.
"""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from builders.emulator import APP_KEY, SECRET, X1
from builders.platform_requests import AXB, OTHER_KEY, OTHER_SECRET, EmulatedApi, query_text
from emulator.world import Mode
from privatenumber.signing import Scheme, digest

FAR = "203.0.113.9"
GET = AXB + query_text({"relationNum": X1})
SCHEMES = pytest.mark.parametrize("scheme", list(Scheme))


def edited(headers: dict[str, str], name: str, old: str, new: str) -> dict[str, str]:
    assert old in headers[name]
    return {**headers, name: headers[name].replace(old, new)}


# Steps 4 to 9: headers


@pytest.mark.parametrize("word", ["Basic", "WSSEE", "aksk-1"])
def test_step_5_the_scheme_must_be_known(api: EmulatedApi, word: str) -> None:
    answer = api.send("GET", GET, headers=edited(api.signed(), "Authorization", "AKSK", word))
    assert answer.outcome == (400, "1023013")
    assert answer.json["resultdesc"] == "AKSK not contained in Authorization."


def test_step_5_only_accepted_schemes_count(build: Callable[..., EmulatedApi]) -> None:
    api = build(auth={"schemes": ["wsse"]})
    answer = api.send("GET", GET, headers=api.signed())
    assert answer.outcome == (400, "1023013")
    assert answer.json["resultdesc"] == "WSSE not contained in Authorization."


@pytest.mark.parametrize("written", ['type="app_key"', 'type="APPKEY"', 'tpye="Appkey"'])
def test_step_8_known_spellings_of_type_pass_in_lenient_only(
    build: Callable[..., EmulatedApi], written: str
) -> None:
    """Decisions 13 and 14."""
    outcomes = []
    for strictness in ("lenient", "strict"):
        api = build(strictness=strictness)
        api.bound()
        headers = edited(api.signed(), "Authorization", 'type="Appkey"', written)
        outcomes.append(api.send("GET", GET, headers=headers).outcome)
    assert outcomes == [(200, "0"), (400, "1023012" if "tpye" in written else "1023011")]


@SCHEMES
def test_step_9_the_token_header_of_the_other_scheme_does_not_count(api: EmulatedApi, scheme: Scheme) -> None:
    """Decision 15."""
    other = Scheme.WSSE if scheme is Scheme.AKSK else Scheme.AKSK
    headers = api.signed(scheme=scheme)
    headers[other.token_header] = headers.pop(scheme.token_header)
    expected = "1023033" if scheme is Scheme.AKSK else "1023026"
    assert api.send("GET", GET, headers=headers).outcome == (400, expected)


# Steps 10 to 14


@SCHEMES
@pytest.mark.parametrize("created", ["2026-09-02 01:00:00", "20260902T010000Z", "2026-13-02T01:00:00Z"])
def test_step_13_created_must_have_its_form(api: EmulatedApi, scheme: Scheme, created: str) -> None:
    """Decision 17: AKSK has no code of its own for this."""
    headers = edited(api.signed(scheme=scheme), scheme.token_header, "2026-09-02T01:00:00Z", created)
    expected = "1023036" if scheme is Scheme.AKSK else "1023031"
    assert api.send("GET", GET, headers=headers).outcome == (400, expected)


def test_a_fraction_of_a_second_passes_in_lenient_only(build: Callable[..., EmulatedApi]) -> None:
    """Decision 18: the digest covers the text as received."""
    outcomes = []
    for strictness in ("lenient", "strict"):
        api = build(strictness=strictness)
        api.bound()
        created, nonce = "2026-09-02T01:00:00.123Z", "0a1b"
        headers = api.signed(nonce=nonce)
        plain = digest(Scheme.AKSK, SECRET, nonce, "2026-09-02T01:00:00Z")
        headers = edited(headers, "X-AKSK", plain, digest(Scheme.AKSK, SECRET, nonce, created))
        headers = edited(headers, "X-AKSK", "2026-09-02T01:00:00Z", created)
        outcomes.append(api.send("GET", GET, headers=headers).outcome)
    assert outcomes == [(200, "0"), (400, "1023036")]


def test_a_nonce_of_other_characters_passes_in_lenient_only(build: Callable[..., EmulatedApi]) -> None:
    """Decision 19."""
    outcomes = []
    for strictness in ("lenient", "strict"):
        api = build(strictness=strictness)
        api.bound()
        outcomes.append(api.send("GET", GET, headers=api.signed(nonce="a-b_c=")).outcome)
    assert outcomes == [(200, "0"), (400, "1023035")]


# Steps 15 to 19


def test_step_16_the_allow_list_comes_before_the_digest(api: EmulatedApi) -> None:
    """Decision 27; C-035."""
    api.put_application(ip_allowlist=("198.51.100.0/24", "2001:db8::1"))
    assert api.send("GET", GET, headers=api.signed(secret="wrong"), source=FAR).outcome == (403, "1020166")


@pytest.mark.parametrize("source", ["198.51.100.77", "2001:db8::1"])
def test_step_16_listed_addresses_and_blocks_pass(api: EmulatedApi, source: str) -> None:
    api.put_application(ip_allowlist=("198.51.100.0/24", "2001:db8::1"))
    answer = api.send("POST", body={"callerNum": "x"}, source=source)
    assert answer.code == "1010002"


@SCHEMES
def test_step_17_the_digest_must_be_right(api: EmulatedApi, scheme: Scheme) -> None:
    answer = api.send("GET", GET, headers=api.signed(secret="wrong", scheme=scheme))
    assert answer.outcome == (401, "1010010")
    assert answer.json["resultdesc"] == "Invalid digest."


def test_step_17_any_of_the_secrets_will_do(api: EmulatedApi) -> None:
    """Decision 32: two secrets during a rotation."""
    api.put_application(secrets=("new-secret", SECRET))
    api.bound()
    for secret in ("new-secret", SECRET):
        assert api.send("GET", GET, headers=api.signed(secret=secret)).outcome == (200, "0")


def test_step_17_a_hexadecimal_digest_is_refused_unless_allowed(build: Callable[..., EmulatedApi]) -> None:
    """Decision 20."""
    outcomes = []
    for allowed in (False, True):
        api = build(auth={"accept_hex_digest": allowed})
        api.bound()
        right = digest(Scheme.AKSK, SECRET, "n1", "2026-09-02T01:00:00Z")
        in_hex = base64.b64encode(base64.b64decode(right).hex().encode()).decode()
        headers = edited(api.signed(nonce="n1"), "X-AKSK", right, in_hex)
        outcomes.append(api.send("GET", GET, headers=headers).outcome)
    assert outcomes == [(401, "1010010"), (200, "0")]


@pytest.mark.parametrize(("strictness", "tolerance"), [("lenient", 29_100), ("strict", 300)])
def test_step_18_created_must_be_inside_the_window_in_both_directions(
    build: Callable[..., EmulatedApi], strictness: str, tolerance: int
) -> None:
    """Decision 21: the limit itself is accepted."""
    api = build(strictness=strictness)
    api.bound()
    for age, expected in (
        (tolerance, (200, "0")),
        (-tolerance, (200, "0")),
        (tolerance + 1, (401, "1010013")),
        (-tolerance - 1, (401, "1010013")),
    ):
        assert api.send("GET", GET, headers=api.signed(age_s=age)).outcome == expected


def test_the_window_follows_the_clock_of_the_emulator(api: EmulatedApi) -> None:
    headers = api.signed()
    api.advance(29_101)
    assert api.send("GET", GET, headers=headers).outcome == (401, "1010013")


def test_step_19_a_nonce_may_be_used_again_in_lenient(api: EmulatedApi) -> None:
    """Decision 23: a deployed client sends one header set with several calls."""
    api.bound()
    headers = api.signed()
    assert [api.send("GET", GET, headers=headers).status for _ in range(3)] == [200, 200, 200]


def test_step_19_a_nonce_is_used_once_in_strict(build: Callable[..., EmulatedApi]) -> None:
    api = build(strictness="strict")
    api.bound()
    headers = api.signed()
    assert [api.send("GET", GET, headers=headers).outcome for _ in range(2)] == [(200, "0"), (401, "1010010")]


def test_step_19_a_nonce_may_be_used_again_for_a_while(build: Callable[..., EmulatedApi]) -> None:
    api = build(auth={"nonce_reuse_s": 60})
    api.bound()
    headers = api.signed()
    outcomes = []
    for wait in (0, 60, 1):
        api.advance(wait)
        outcomes.append(api.send("GET", GET, headers=headers).status)
    assert outcomes == [200, 200, 401]


def test_the_nonce_of_another_application_is_another_nonce(build: Callable[..., EmulatedApi]) -> None:
    api = build(strictness="strict")
    api.send("GET", GET, headers=api.signed(nonce="same"))
    answer = api.send("GET", GET, headers=api.signed(app_key=OTHER_KEY, secret=OTHER_SECRET, nonce="same"))
    assert answer.outcome == (403, "1012001")


# Steps 20 to 22


def test_step_21_arrears_refuse_every_api(api: EmulatedApi) -> None:
    """C-034, C-075: queries included."""
    bound = api.bound()
    api.world.accounts["default"].frozen = True
    answers = [
        api.bind(),
        api.unbind(subscriptionId=bound),
        api.modify(bound),
        api.query(subscriptionId=bound),
    ]
    assert {answer.outcome for answer in answers} == {(403, "1010029")}


def test_step_21_comes_before_the_mode(api: EmulatedApi) -> None:
    api.put_application(mode=Mode.AX)
    api.world.accounts["default"].frozen = True
    assert api.send("GET", GET).code == "1010029"


# Step 23


def test_step_23_an_application_has_its_pace(build: Callable[..., EmulatedApi]) -> None:
    api = build(flow={"app_tps": 3})
    api.bound()
    outcomes = [api.send("GET", GET).outcome for _ in range(3)]
    assert outcomes == [(200, "0"), (200, "0"), (403, "1010010")]
    api.advance(1)
    assert api.send("GET", GET).status == 200


def test_step_23_flow_control_has_the_number_of_a_wrong_digest(
    build: Callable[..., EmulatedApi],
) -> None:
    api = build(flow={"app_tps": 1})
    api.bind()
    answer = api.bind()
    assert answer.outcome == (403, "1010010")
    assert answer.json["resultdesc"] == "The flow control upper limit is reached on the platform."


def test_step_23_a_penalty_refuses_for_longer(build: Callable[..., EmulatedApi]) -> None:
    api = build(flow={"app_tps": 1, "penalty_s": 60})
    assert [api.bind().status, api.bind().status] == [200, 403]
    api.advance(59)
    assert api.query(relationNum=X1).code == "1010010"
    api.advance(1)
    assert api.query(relationNum=X1).status == 200


def test_step_23_a_requester_has_its_pace_over_all_applications(build: Callable[..., EmulatedApi]) -> None:
    api = build(flow={"requester_tps": 1})
    assert api.send("GET", GET, source=FAR).code == "1012007"
    other = api.signed(app_key=OTHER_KEY, secret=OTHER_SECRET)
    assert api.send("GET", GET, headers=other, source=FAR).outcome == (403, "1011006")
    assert api.send("GET", GET, headers=other, source="203.0.113.10").code == "1012001"


# §9 lock-out


def fail(api: EmulatedApi, times: int, *, unknown: bool = False) -> list[tuple[int, str | None]]:
    headers = api.signed(app_key="nobody") if unknown else api.signed(secret="wrong")
    return [api.send("GET", GET, headers=headers, source=FAR).outcome for _ in range(times)]


def test_ten_failures_lock_the_address_for_half_an_hour(api: EmulatedApi) -> None:
    """C-035; decision 24."""
    api.bound()
    assert set(fail(api, 10)) == {(401, "1010010")}
    assert api.send("GET", GET, source=FAR).outcome == (403, "1020176")
    api.advance(1799)
    assert api.send("GET", GET, headers=api.signed(), source=FAR).code == "1020176"
    api.advance(1)
    assert api.send("GET", GET, headers=api.signed(), source=FAR).outcome == (200, "0")


def test_unknown_keys_count_as_failures_too(api: EmulatedApi) -> None:
    fail(api, 5)
    fail(api, 5, unknown=True)
    assert api.send("GET", GET, source=FAR).code == "1020176"


def test_the_lock_comes_before_the_method_and_the_signature(api: EmulatedApi) -> None:
    fail(api, 10)
    assert api.send("PATCH", headers={}, source=FAR).code == "1020176"
    assert api.send("GET", "/rest/unknown", headers={}, source=FAR).status == 404


def test_requests_during_the_lock_do_not_extend_it(api: EmulatedApi) -> None:
    fail(api, 10)
    api.advance(1000)
    fail(api, 20)
    api.advance(800)
    assert api.send("GET", GET, source=FAR).code == "1012007"


def test_failures_older_than_the_window_are_forgotten(api: EmulatedApi) -> None:
    fail(api, 9)
    api.advance(601)
    fail(api, 9)
    assert api.send("GET", GET, source=FAR).code == "1012007"


def test_a_success_clears_the_counter(api: EmulatedApi) -> None:
    fail(api, 9)
    api.send("GET", GET, source=FAR)
    fail(api, 9)
    assert api.send("GET", GET, source=FAR).code == "1012007"


def test_format_and_clock_errors_do_not_count(api: EmulatedApi) -> None:
    for _ in range(20):
        api.send("GET", GET, headers={}, source=FAR)
        api.send("GET", GET, headers=api.signed(age_s=99_999), source=FAR)
    assert api.send("GET", GET, source=FAR).code == "1012007"


def test_other_addresses_are_not_locked(api: EmulatedApi) -> None:
    fail(api, 10)
    assert api.send("GET", GET, source="203.0.113.10").code == "1012007"


def test_loopback_is_exempt_so_that_a_test_suite_cannot_lock_itself_out(api: EmulatedApi) -> None:
    """Decision 25."""
    for _ in range(30):
        api.send("GET", GET, headers=api.signed(secret="wrong"))
    assert api.send("GET", GET).code == "1012007"


def test_without_exemption_loopback_is_locked_as_well(build: Callable[..., EmulatedApi]) -> None:
    api = build(auth={"lockout": {"exempt": [], "threshold": 2}})
    for _ in range(2):
        api.send("GET", GET, headers=api.signed(secret="wrong"))
    assert api.send("GET", GET).code == "1020176"


def test_a_threshold_of_zero_switches_the_lock_off(build: Callable[..., EmulatedApi]) -> None:
    api = build(auth={"lockout": {"threshold": 0}})
    fail(api, 50)
    assert api.send("GET", GET, source=FAR).code == "1012007"


def test_the_allow_list_does_not_count_as_failure(api: EmulatedApi) -> None:
    api.put_application(ip_allowlist=("198.51.100.1",))
    for _ in range(20):
        api.send("GET", GET, source=FAR)
    api.put_application()
    assert api.send("GET", GET, source=FAR).code == "1012007"


# Headers and transport


@pytest.mark.parametrize("strictness", ["lenient", "strict"])
def test_the_server_closes_the_connection(build: Callable[..., EmulatedApi], strictness: str) -> None:
    """Decision 4."""
    api = build(strictness=strictness)
    assert api.bind().headers["connection"] == "close"
    assert api.send("GET", "/unknown").headers["connection"] == "close"


def test_closing_can_be_left_to_the_client(build: Callable[..., EmulatedApi]) -> None:
    assert "connection" not in build(http={"connection_close": False}).bind().headers


def test_every_refusal_carries_the_envelope_with_its_charset(api: EmulatedApi) -> None:
    answer = api.send("GET", GET, headers={})
    assert list(answer.json) == ["resultcode", "resultdesc"]
    assert answer.headers["content-type"] == "application/json;charset=utf-8"


def test_no_secret_and_no_party_reaches_the_journal(api: EmulatedApi) -> None:
    api.bound()
    shown = str(api.emulator.journal.entries())
    assert SECRET not in shown
    assert "13800138" not in shown
    assert APP_KEY in shown
