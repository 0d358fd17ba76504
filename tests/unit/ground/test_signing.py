"""Digests, header grammar and the order of checks (auth.md §2 to §7, C-095)."""

import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import pytest

from privatenumber.signing import (
    Problem,
    Scheme,
    SignatureError,
    Token,
    created_moment,
    digest,
    matches,
    new_nonce,
    read_push_token,
    read_request_token,
    sign,
    within,
)

KEY, SECRET = "E7f2Q9xT4mB1cK8sLw0ZpR5dVuY6", "n3H8vT0qW5yB2kD7sJ4fG9xM1cZ6"
T1 = ("9f86d081884c7d659a2feaa0c55ad015", "2026-03-01T08:00:00Z")
T1_MOMENT = datetime(2026, 3, 1, 8, tzinfo=UTC)
T1_AKSK = "4M2Y09KVSG4Z150Mdq9i+W/Wsjgs5BY/sW3iEGLLtjg="
BOTH = (Scheme.AKSK, Scheme.WSSE)

VECTORS = [
    (SECRET, *T1, T1_AKSK, "RPqAxafImQ14Ok+ukzEn6NkpgxxZIJEWmi2LOln+B2Y="),
    (
        SECRET,
        "0A1b2C3d4E5f6",
        "2026-12-31T23:59:59Z",
        "brwbdR3ZenQkUjBNHTqZQXxAsj7AYC7V01dMzRZX4Yw=",
        "DxolsQpLPcdLxKIrkB5JaqisGxlXKGSsq2T/KKKWA6c=",
    ),
    (
        SECRET,
        "7",
        "2028-02-29T00:00:00Z",
        "1Z22nzJeTn3ulye8v0iwByXgLNFtp+0z5Sa7oRdbo3I=",
        "AiPqHC/1OUkK7hDpAMi9MPtSrocCdXwf+xAp+2cC6k4=",
    ),
    (
        "demoAppSecret0000000001",
        "5f0c6a1d9b7e4c2fa3d8e61b40c97a52",
        "2026-09-02T01:00:00Z",
        "JjQsiItpP7Hm8CDXOH6qCX0YS+ChlK1hD1rW3LUfgWc=",
        "+Nu01dixRy0gHyKqD4B1ivEMgfk4hSIEA/Vey5Saa2I=",
    ),
]


@pytest.mark.parametrize(
    ("secret", "nonce", "created", "aksk", "wsse"), VECTORS, ids=["T1", "T2", "T3", "T4"]
)
def test_digests_are_those_of_the_vectors(
    secret: str, nonce: str, created: str, aksk: str, wsse: str
) -> None:
    """auth.md §3.1."""
    assert digest(Scheme.AKSK, secret, nonce, created) == aksk
    assert digest(Scheme.WSSE, secret, nonce, created) == wsse


@pytest.mark.parametrize(
    ("scheme", "wrong"),
    [
        (
            Scheme.AKSK,
            "ZTBjZDk4ZDNkMjk1NDg2ZTE5ZDc5ZDBjNzZhZjYyZjk2ZmQ2YjIzODJjZTQxNjNmYjE2ZGUyMTA2MmNiYjYzOA==",
        ),
        (Scheme.AKSK, "31ZMqKiLyis5n15P/LYX4JYTahIttmz5jDZAVK64eRQ="),
        (Scheme.AKSK, "44Zc9XRnKDOCnM/SYny7y+/1OQ2cp04yk4lygbENz4o="),
        (
            Scheme.WSSE,
            "NDRmYTgwYzVhN2M4OTkwZDc4M2E0ZmFlOTMzMTI3ZThkOTI5ODMxYzU5MjA5MTE2OWEyZDhiM2E1OWZlMDc2Ng==",
        ),
        (Scheme.WSSE, "lv3jRmNgekxSFGpXKm1tX55LtAqRdtr3q1RqiZBHib8="),
        (Scheme.WSSE, T1_AKSK),
        (Scheme.AKSK, ""),
        (Scheme.AKSK, "\ud800"),
    ],
)
def test_digests_of_known_mistakes_are_refused(scheme: Scheme, wrong: str) -> None:
    """auth.md §3.1, second table."""
    assert not matches(Token(scheme, KEY, wrong, *T1), [SECRET])


def test_either_secret_of_a_rotation_verifies() -> None:
    """auth.md §12: the first signs, all verify."""
    token = Token(Scheme.AKSK, KEY, T1_AKSK, *T1)
    assert matches(token, ["another", SECRET])
    assert matches(token, [SECRET, "another"])
    assert not matches(token, ["another"])
    assert not matches(token, [])


def test_every_secret_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """No early exit: a hit on the first secret still compares the second."""
    compared: list[bool] = []
    genuine = hmac.compare_digest

    def recorded(one: bytes, other: bytes) -> bool:
        compared.append(genuine(one, other))
        return compared[-1]

    monkeypatch.setattr("privatenumber.signing.hmac.compare_digest", recorded)
    assert matches(Token(Scheme.AKSK, KEY, T1_AKSK, *T1), [SECRET, "another"])
    assert compared == [True, False]


@pytest.mark.parametrize("scheme", BOTH)
def test_the_headers_have_the_one_documented_form(scheme: Scheme) -> None:
    """auth.md §2.1 and §3.1: order of parts, separators, Content-Type on every request."""
    headers = sign(scheme, KEY, SECRET, created=T1_MOMENT, nonce=T1[0])
    assert headers == {
        "Content-Type": "application/json;charset=UTF-8",
        "Authorization": f'{scheme} realm="SDP",profile="UsernameToken",type="Appkey"',
        f"X-{scheme}": f'UsernameToken Username="{KEY}",PasswordDigest="{digest(scheme, SECRET, *T1)}",'
        f'Nonce="{T1[0]}",Created="{T1[1]}"',
    }


@pytest.mark.parametrize("scheme", BOTH)
@pytest.mark.parametrize("strict", [False, True])
def test_what_is_signed_is_read_back_in_both_directions(scheme: Scheme, strict: bool) -> None:
    headers = sign(scheme, KEY, SECRET, created=T1_MOMENT, nonce=T1[0])
    for token in (
        read_request_token(headers, schemes=BOTH, strict=strict),
        read_push_token(headers, schemes=BOTH, strict=strict),
    ):
        assert (token.scheme, token.username, token.nonce, token.created) == (scheme, KEY, *T1)
        assert token.announced
        assert matches(token, [SECRET])
        assert created_moment(token, strict=strict) == T1_MOMENT


def test_ten_thousand_nonces_are_unique_and_hexadecimal() -> None:
    """U-D16."""
    nonces = {new_nonce() for _ in range(10_000)}
    assert len(nonces) == 10_000
    assert all(re.fullmatch(r"[0-9a-f]{32}", nonce) for nonce in nonces)


def signed(scheme: Scheme = Scheme.AKSK, **replace: str | None) -> dict[str, str]:
    """The headers of T1 with headers replaced or removed; names with _ for -."""
    return altered(sign(scheme, KEY, SECRET, created=T1_MOMENT, nonce=T1[0]), replace)


def altered(headers: Mapping[str, str], replace: Mapping[str, str | None]) -> dict[str, str]:
    changed = {**headers, **{name.replace("_", "-"): value for name, value in replace.items()}}
    return {name: value for name, value in changed.items() if value is not None}


TOLERATED = {
    "lower-case field names": {name.lower(): value for name, value in signed().items()},
    "blanks after commas": {name: value.replace(",", ",  ") for name, value in signed().items()},
    "blanks around equals": {
        name: re.sub(r'(?<=[a-z])="(?=\w)', ' = "', value) for name, value in signed().items()
    },
    "another order": signed(Authorization='AKSK type="Appkey",profile="UsernameToken",realm="SDP"'),
    "unknown part": signed(Authorization=signed()["Authorization"] + ',more="x"'),
    "repeated part": signed(X_AKSK=signed()["X-AKSK"] + ',Nonce="second"'),
}
LENIENT_ONLY = {
    "scheme in lower case": signed(Authorization='aksk realm="SDP",profile="UsernameToken",type="Appkey"'),
    "part names in other case": {name: value.replace("Nonce", "nonce") for name, value in signed().items()},
    "word in other case": {
        name: value.replace("UsernameToken ", "usernametoken ") for name, value in signed().items()
    },
    "type app_key": signed(Authorization='AKSK realm="SDP",profile="UsernameToken",type="app_key"'),
    "type misspelt": signed(Authorization='AKSK realm="SDP",profile="UsernameToken",tpye="Appkey"'),
}


@pytest.mark.parametrize(
    "headers", [*TOLERATED.values(), *LENIENT_ONLY.values()], ids=[*TOLERATED, *LENIENT_ONLY]
)
def test_tolerated_forms_are_read(headers: Mapping[str, str]) -> None:
    """auth.md §2.2, column Accept."""
    assert matches(read_request_token(headers, schemes=BOTH), [SECRET])


@pytest.mark.parametrize("headers", TOLERATED.values(), ids=TOLERATED)
def test_strict_reading_tolerates_what_the_grammar_allows(headers: Mapping[str, str]) -> None:
    assert matches(read_request_token(headers, schemes=BOTH, strict=True), [SECRET])


@pytest.mark.parametrize("headers", LENIENT_ONLY.values(), ids=LENIENT_ONLY)
def test_strict_reading_refuses_what_only_lenient_tolerates(headers: Mapping[str, str]) -> None:
    with pytest.raises(SignatureError):
        read_request_token(headers, schemes=BOTH, strict=True)


A = "Authorization"
DEFECTS: list[tuple[Problem, dict[str, str | None]]] = [
    (Problem.AUTHORIZATION_MISSING, {A: None}),
    (Problem.AUTHORIZATION_MISSING, {A: "  "}),
    (Problem.SCHEME_UNKNOWN, {A: 'Basic realm="SDP",profile="UsernameToken",type="Appkey"'}),
    (Problem.REALM_MISSING, {A: 'AKSK profile="UsernameToken",type="Appkey"'}),
    (Problem.REALM_MISSING, {A: 'AKSK realm=SDP,profile="UsernameToken",type="Appkey"'}),
    (Problem.REALM_WRONG, {A: 'AKSK realm="sdp",profile="UsernameToken",type="Appkey"'}),
    (Problem.PROFILE_MISSING, {A: 'AKSK realm="SDP",type="Appkey"'}),
    (Problem.PROFILE_WRONG, {A: 'AKSK realm="SDP",profile="Token",type="Appkey"'}),
    (Problem.TYPE_MISSING, {A: 'AKSK realm="SDP",profile="UsernameToken"'}),
    (Problem.TYPE_WRONG, {A: 'AKSK realm="SDP",profile="UsernameToken",type="App"'}),
    (Problem.TOKEN_HEADER_MISSING, {"X_AKSK": None}),
    (Problem.USERNAME_TOKEN_MISSING, {"X_AKSK": 'Username="k",Nonce="1"'}),
    (Problem.USERNAME_TOKEN_MISSING, {"X_AKSK": "Username"}),
    (Problem.USERNAME_MISSING, {"X_AKSK": 'UsernameToken Nonce="1"'}),
    (Problem.USERNAME_MISSING, {"X_AKSK": 'UsernameToken Username=""'}),
    (Problem.NONCE_MISSING, {"X_AKSK": 'UsernameToken Username="k",PasswordDigest="d"'}),
    (Problem.NONCE_MISSING, {"X_AKSK": f'UsernameToken Username="k",Nonce="{"n" * 129}"'}),
    (Problem.CREATED_MISSING, {"X_AKSK": 'UsernameToken Username="k",Nonce="1"'}),
    (
        Problem.CREATED_MALFORMED,
        {"X_AKSK": 'UsernameToken Username="k",Nonce="1",Created="2026-03-01 08:00:00"'},
    ),
    (
        Problem.CREATED_MALFORMED,
        {"X_AKSK": 'UsernameToken Username="k",Nonce="1",Created="2026-02-30T08:00:00Z"'},
    ),
    (
        Problem.DIGEST_MISSING,
        {"X_AKSK": 'UsernameToken Username="k",Nonce="1",Created="2026-03-01T08:00:00Z"'},
    ),
]


@pytest.mark.parametrize(("problem", "replace"), DEFECTS)
def test_each_defect_of_a_request_is_named(problem: Problem, replace: Mapping[str, str | None]) -> None:
    """auth.md §4, steps 4 to 14; C-028."""
    with pytest.raises(SignatureError) as refused:
        read_request_token(altered(signed(), replace), schemes=BOTH)
    assert refused.value.problem is problem


def test_of_several_defects_the_first_in_order_answers() -> None:
    """auth.md §4: every earlier step wins over every later one."""
    order = list(Problem)
    for position, (problem, replace) in enumerate(DEFECTS):
        for later, other in DEFECTS[position:]:
            if order.index(later) <= order.index(problem) or set(replace) == set(other):
                continue
            with pytest.raises(SignatureError) as refused:
                read_request_token(altered(signed(), {**other, **replace}), schemes=BOTH)
            assert refused.value.problem is problem


def test_the_token_header_of_the_other_scheme_does_not_count() -> None:
    """auth.md §4 step 9."""
    headers = signed(Scheme.WSSE, Authorization=signed()["Authorization"])
    with pytest.raises(SignatureError) as refused:
        read_request_token(headers, schemes=BOTH)
    assert (refused.value.problem, refused.value.scheme) == (Problem.TOKEN_HEADER_MISSING, Scheme.AKSK)


def test_a_scheme_that_is_not_enabled_is_unknown() -> None:
    with pytest.raises(SignatureError) as refused:
        read_request_token(signed(Scheme.WSSE), schemes=(Scheme.AKSK,))
    assert refused.value.problem is Problem.SCHEME_UNKNOWN


@pytest.mark.parametrize("nonce", ["with-hyphen", "中文"])
def test_strict_nonces_are_letters_and_digits(nonce: str) -> None:
    """auth.md §2.3."""
    headers = sign(Scheme.AKSK, KEY, SECRET, created=T1_MOMENT, nonce=nonce)
    assert read_request_token(headers, schemes=BOTH).nonce == nonce
    with pytest.raises(SignatureError, match="nonce_missing"):
        read_request_token(headers, schemes=BOTH, strict=True)


def test_a_fraction_in_created_is_signed_as_received() -> None:
    """auth.md §2.3: lenient accepts 1 to 9 digits, the digest covers the text as received."""
    created = "2026-03-01T08:00:00.123456789Z"
    token = Token(Scheme.AKSK, KEY, digest(Scheme.AKSK, SECRET, T1[0], created), T1[0], created)
    assert matches(token, [SECRET])
    assert created_moment(token) == T1_MOMENT.replace(microsecond=123_456)
    with pytest.raises(SignatureError, match="created_malformed"):
        created_moment(token, strict=True)


def test_a_push_with_both_token_headers_is_judged_by_aksk() -> None:
    """auth.md §6 step 2."""
    headers = signed(Scheme.WSSE) | {"X-AKSK": signed()["X-AKSK"]}
    token = read_push_token(headers, schemes=BOTH)
    assert (token.scheme, token.announced) == (Scheme.AKSK, False)
    assert read_push_token(headers, schemes=(Scheme.WSSE,)).scheme is Scheme.WSSE


@pytest.mark.parametrize("replace", [{A: None}, {A: "WSSE"}, {A: "Bearer x"}])
def test_a_push_without_matching_authorization_is_marked_and_refused_only_when_strict(
    replace: Mapping[str, str | None],
) -> None:
    """auth.md §6 step 3."""
    headers = altered(signed(), replace)
    assert not read_push_token(headers, schemes=BOTH).announced
    with pytest.raises(SignatureError):
        read_push_token(headers, schemes=BOTH, strict=True)


@pytest.mark.parametrize(
    ("problem", "value"),
    [
        (Problem.TOKEN_HEADER_MISSING, None),
        (Problem.USERNAME_TOKEN_MISSING, "nonsense"),
        (Problem.DIGEST_MISSING, 'UsernameToken Username="k",Nonce="1",Created="2026-03-01T08:00:00Z"'),
    ],
)
def test_an_unreadable_push_token_is_refused(problem: Problem, value: str | None) -> None:
    with pytest.raises(SignatureError) as refused:
        read_push_token(signed(X_AKSK=value), schemes=BOTH)
    assert refused.value.problem is problem


def test_a_token_does_not_show_its_digest() -> None:
    """auth.md §12: loggable are scheme, APP_Key, nonce and time."""
    assert T1_AKSK not in repr(read_push_token(signed(), schemes=BOTH))


def test_the_window_has_two_sides_and_includes_its_limit() -> None:
    """auth.md §7."""
    for seconds in (300, -300):
        assert within(T1_MOMENT + timedelta(seconds=seconds), T1_MOMENT, 300)
        beyond = timedelta(seconds=seconds * 301 / 300)
        assert not within(T1_MOMENT + beyond, T1_MOMENT, 300)


def test_reading_hostile_headers_takes_linear_time() -> None:
    """A header of repeated near-misses must not stall the receiver."""
    for hostile in ("a" * 200_000, 'a="' * 70_000, "a " * 100_000, "=" * 200_000):
        with pytest.raises(SignatureError):
            read_push_token({"X-AKSK": "UsernameToken " + hostile}, schemes=BOTH)
