"""Who may ask: the processing order of a request, step by step (auth.md §4, §7-§11).

C-028, C-030, C-034, C-035.
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


def without_part(headers: dict[str, str], name: str, part: str) -> dict[str, str]:
    scheme, _, parts = headers[name].partition(" ")
    kept = [one for one in parts.split(",") if not one.startswith(f"{part}=")]
    return {**headers, name: f"{scheme} {','.join(kept)}"}


def without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}


# Step 1


def test_an_unknown_path_is_a_page_not_an_envelope(api: EmulatedApi) -> None:
    answer = api.send("POST", "/rest/unknown", body={})
    assert answer.outcome == (404, None)
    assert answer.headers["content-type"].startswith("text/html")


def test_an_unknown_path_comes_before_everything(api: EmulatedApi) -> None:
    assert api.send("GET", AXB + "/more", headers={}).status == 404


# Step 3


@pytest.mark.parametrize("method", ["PATCH", "HEAD", "OPTIONS", "PROPFIND"])
def test_a_method_the_path_does_not_know_comes_before_the_signature(api: EmulatedApi, method: str) -> None:
    answer = api.send(method, headers={})
    assert answer.status == 403
    if method != "HEAD":
        assert answer.code == "1010006"


# Steps 4 to 9


def test_step_4_authorization_is_needed(api: EmulatedApi) -> None:
    answer = api.send("GET", GET, headers=without(api.signed(), "Authorization"))
    assert answer.outcome == (400, "1023006")
    assert answer.json["resultdesc"] == "Authorization not contained in the HTTP header."


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


@SCHEMES
@pytest.mark.parametrize(
    ("part", "code"), [("realm", "1023007"), ("profile", "1023008"), ("type", "1023012")]
)
def test_steps_6_to_8_each_part_must_be_there(api: EmulatedApi, scheme: Scheme, part: str, code: str) -> None:
    headers = without_part(api.signed(scheme=scheme), "Authorization", part)
    assert api.send("GET", GET, headers=headers).outcome == (400, code)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('realm="SDP"', 'realm="sdp"', "1023009"),
        ('profile="UsernameToken"', 'profile="Username"', "1023010"),
        ('type="Appkey"', 'type="Secret"', "1023011"),
    ],
)
def test_steps_6_to_8_each_part_must_be_right(api: EmulatedApi, old: str, new: str, code: str) -> None:
    headers = edited(api.signed(), "Authorization", old, new)
    assert api.send("GET", GET, headers=headers).outcome == (400, code)


def test_realm_is_judged_before_profile(api: EmulatedApi) -> None:
    headers = edited(
        api.signed(), "Authorization", 'realm="SDP",profile="UsernameToken"', 'realm="a",profile="b"'
    )
    assert api.send("GET", GET, headers=headers).code == "1023009"


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
def test_step_10_the_token_starts_with_its_word(api: EmulatedApi, scheme: Scheme) -> None:
    headers = edited(api.signed(scheme=scheme), scheme.token_header, "UsernameToken ", "Token ")
    expected = "1023038" if scheme is Scheme.AKSK else "1023032"
    assert api.send("GET", GET, headers=headers).outcome == (400, expected)


@pytest.mark.parametrize(
    ("part", "aksk", "wsse"),
    [
        ("Username", "1023034", "1023027"),
        ("Nonce", "1023035", "1023028"),
        ("Created", "1023036", "1023029"),
        ("PasswordDigest", "1023037", "1023030"),
    ],
)
def test_steps_11_to_14_each_part_of_the_token_must_be_there(
    api: EmulatedApi, part: str, aksk: str, wsse: str
) -> None:
    for scheme, code in ((Scheme.AKSK, aksk), (Scheme.WSSE, wsse)):
        headers = without_part(api.signed(scheme=scheme), scheme.token_header, part)
        assert api.send("GET", GET, headers=headers).outcome == (400, code)


@SCHEMES
@pytest.mark.parametrize("created", ["2026-09-02 01:00:00", "20260902T010000Z", "2026-13-02T01:00:00Z"])
def test_step_13_created_must_have_its_form(api: EmulatedApi, scheme: Scheme, created: str) -> None:
    """Decision 17: AKSK has no code of its own for this."""
    headers = edited(api.signed(scheme=scheme), scheme.token_header, "2026-09-02T01:00:00Z", created)
    expected = "1023036" if scheme is Scheme.AKSK else "1023031"
    assert api.send("GET", GET, headers=headers).outcome == (400, expected)


def test_step_13_comes_before_a_missing_digest(api: EmulatedApi) -> None:
    headers = without_part(api.signed(), "X-AKSK", "PasswordDigest")
    headers = edited(headers, "X-AKSK", "2026-09-02T01:00:00Z", "yesterday")
    assert api.send("GET", GET, headers=headers).code == "1023036"


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


def test_step_15_the_app_key_must_be_known(api: EmulatedApi) -> None:
    assert api.send("GET", GET, headers=api.signed(app_key="nobody")).outcome == (403, "1010003")


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


def test_step_17_comes_before_the_window(api: EmulatedApi) -> None:
    assert api.send("GET", GET, headers=api.signed(secret="wrong", age_s=99_999)).outcome == (401, "1010010")


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


def test_step_20_a_disabled_application_is_refused(api: EmulatedApi) -> None:
    api.put_application(status="disabled")
    assert api.send("GET", GET).outcome == (403, "1010008")


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


def test_step_22_an_application_of_another_mode_is_refused(api: EmulatedApi) -> None:
    """C-030."""
    api.put_application(mode=Mode.AX)
    assert api.send("GET", GET).outcome == (403, "1010040")


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


@SCHEMES
def test_both_schemes_are_accepted(api: EmulatedApi, scheme: Scheme) -> None:
    """Decision 10."""
    api.bound()
    assert api.send("GET", GET, headers=api.signed(scheme=scheme)).outcome == (200, "0")


def test_header_names_and_separators_are_read_tolerantly(api: EmulatedApi) -> None:
    api.bound()
    headers = {name.upper(): value.replace(",", " ,  ") for name, value in api.signed().items()}
    assert api.send("GET", GET, headers=headers).outcome == (200, "0")


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
