"""The door for pushes: auth.md §6 in its fixed order, U-D11, U-A11, C-095."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network

import pytest

from builders.pushes import (
    APP_KEY,
    CALLBACK_TOKEN,
    SECRET,
    SIGNED_AT,
    application,
    event_body,
    signed_headers,
    wire,
)
from privatenumber.calls.guard import (
    MAX_BODY_BYTES,
    Admitted,
    Arrival,
    DoorPolicy,
    NonceMemory,
    Refused,
    admit,
)
from privatenumber.settings import PushSignature
from privatenumber.signing import Scheme

#: The header blocks of notifications.md §2.1 (auth.md §3.1, vector T4), letter for letter.
DOCUMENTED_AKSK = {
    "authorization": 'AKSK realm="SDP",profile="UsernameToken",type="Appkey"',
    "x-aksk": 'UsernameToken Username="demoAppKey0000000000000001",'
    'PasswordDigest="JjQsiItpP7Hm8CDXOH6qCX0YS+ChlK1hD1rW3LUfgWc=",'
    'Nonce="5f0c6a1d9b7e4c2fa3d8e61b40c97a52",Created="2026-09-02T01:00:00Z"',
}
DOCUMENTED_WSSE = {
    "authorization": 'WSSE realm="SDP",profile="UsernameToken",type="Appkey"',
    "x-wsse": 'UsernameToken Username="demoAppKey0000000000000001",'
    'PasswordDigest="+Nu01dixRy0gHyKqD4B1ivEMgfk4hSIEA/Vey5Saa2I=",'
    'Nonce="5f0c6a1d9b7e4c2fa3d8e61b40c97a52",Created="2026-09-02T01:00:00Z"',
}
REQUIRED = DoorPolicy()


def _arrival(**changes: object) -> Arrival:
    arrival = Arrival(
        method="POST",
        application="demo",
        secret=CALLBACK_TOKEN,
        route="status",
        source="203.0.113.10",
        headers=signed_headers(),
        body=wire(event_body()),
        received_at=SIGNED_AT,
    )
    return replace(arrival, **changes)  # type: ignore[arg-type]  # names and types are those of Arrival


def _admit(arrival: Arrival, policy: DoorPolicy = REQUIRED, **app: object) -> Admitted:
    return admit(arrival, {"demo": application(**app)}, policy)


def _refusal(arrival: Arrival, policy: DoorPolicy = REQUIRED, **app: object) -> Refused:
    with pytest.raises(Refused) as caught:
        _admit(arrival, policy, **app)
    return caught.value


@pytest.mark.parametrize("headers", [DOCUMENTED_AKSK, DOCUMENTED_WSSE])
def test_the_documented_headers_of_both_schemes_open_the_door(headers: Mapping[str, str]) -> None:
    """C-095, auth.md §3.1 T4."""
    admitted = _admit(_arrival(headers=headers))
    assert (admitted.application.id, admitted.flags) == ("demo", ())


def test_a_scheme_that_is_not_accepted_is_refused() -> None:
    """`backend.push.schemes`, auth.md §6 step 2."""
    policy = DoorPolicy(schemes=frozenset({Scheme.AKSK}))
    assert _refusal(_arrival(headers=DOCUMENTED_WSSE), policy).status == 401


def test_both_secrets_of_a_rotation_open_the_door() -> None:
    """auth.md §12: the first signs, all verify."""
    assert _admit(_arrival(), secrets=("newSecret", SECRET)).token is not None


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_any_method_but_post_gets_405(method: str) -> None:
    """C-049, notifications.md §2.1."""
    refusal = _refusal(_arrival(method=method))
    assert (refusal.status, refusal.application) == (405, None)


def test_a_body_of_one_mebibyte_passes_and_one_byte_more_gets_413() -> None:
    """notifications.md §2.5."""
    assert _admit(_arrival(body=b"x" * MAX_BODY_BYTES)).application.id == "demo"
    refusal = _refusal(_arrival(body=b"x" * (MAX_BODY_BYTES + 1)))
    assert (refusal.status, refusal.application) == (413, None)


@pytest.mark.parametrize(
    "changes",
    [
        {"application": "other"},
        {"secret": "wrong"},
        {"secret": ""},
        {"secret": "\ud800"},
        {"application": ""},
    ],
)
def test_unknown_application_and_wrong_path_secret_look_the_same_and_keep_nothing(
    changes: dict[str, str],
) -> None:
    """Nobody learns which applications exist, and a stranger's request fills no store."""
    refusal = _refusal(_arrival(**changes))
    assert (refusal.status, refusal.application) == (404, None)


def test_an_empty_path_secret_never_opens_the_door() -> None:
    assert _refusal(_arrival(secret=""), callback_token="").status == 404


def test_a_source_outside_the_allow_list_is_refused_and_kept() -> None:
    """The platform publishes no addresses: a list that is too narrow must not lose pushes."""
    policy = DoorPolicy(sources=(ip_network("192.0.2.0/24"), ip_network("2001:db8::/32")))
    refusal = _refusal(_arrival(), policy)
    assert (refusal.status, refusal.reason) == (401, "source")
    assert refusal.application is not None
    assert _refusal(_arrival(source="no address"), policy).reason == "source"
    assert _admit(_arrival(source="192.0.2.77"), policy)
    assert _admit(_arrival(source="2001:db8::7"), policy)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({}, "token_header_missing"),
        ({"authorization": DOCUMENTED_AKSK["authorization"]}, "token_header_missing"),
        ({"x-aksk": "Username=unquoted"}, "username_token_missing"),
        ({"x-aksk": 'UsernameToken Nonce="1"'}, "username_missing"),
        (signed_headers(app_key="anotherAppKey"), "username"),
        (signed_headers(secret="wrongSecret"), "digest"),
        ({"x-aksk": DOCUMENTED_AKSK["x-aksk"].replace("JjQ", "AAA")}, "digest"),
        ({"x-aksk": DOCUMENTED_AKSK["x-aksk"].replace("01:00:00Z", "01:00:01Z")}, "digest"),
    ],
)
def test_a_signature_that_is_not_right_is_refused_and_kept(headers: Mapping[str, str], reason: str) -> None:
    """U-D11: wrong digest: 401, nothing processed; the reason is for us alone."""
    refusal = _refusal(_arrival(headers=headers))
    assert (refusal.status, refusal.reason) == (401, reason)
    assert refusal.application is not None


@pytest.mark.parametrize("hours", [-12, 12])
def test_created_may_be_twelve_hours_off_either_way(hours: int) -> None:
    """A re-push may carry its first header; Beijing time stamped as UTC is eight hours ahead (auth.md §6)."""
    limit = timedelta(hours=hours)
    second = timedelta(seconds=1 if hours > 0 else -1)
    assert _admit(_arrival(received_at=SIGNED_AT + limit))
    assert _refusal(_arrival(received_at=SIGNED_AT + limit + second)).reason == "created"


def test_authorization_that_is_absent_or_of_another_scheme_is_marked_and_refused_when_strict() -> None:
    """auth.md §6 step 3."""
    for authorization in ({}, {"authorization": DOCUMENTED_WSSE["authorization"]}):
        headers = {**authorization, "x-aksk": DOCUMENTED_AKSK["x-aksk"]}
        assert _admit(_arrival(headers=headers)).flags == ("unannounced",)
        assert _refusal(_arrival(headers=headers), DoorPolicy(strict=True)).status == 401


def test_the_steps_are_checked_in_their_fixed_order() -> None:
    """auth.md §6: method, size, path, source, then the signature from its header to its time."""
    worst = _arrival(
        method="GET",
        body=b"x" * (MAX_BODY_BYTES + 1),
        secret="wrong",
        source="198.51.100.1",
        headers={},
        received_at=SIGNED_AT + timedelta(days=30),
    )
    policy = DoorPolicy(sources=(ip_network("192.0.2.0/24"),))
    repairs: list[dict[str, object]] = [
        {},
        {"method": "POST"},
        {"body": wire(event_body())},
        {"secret": CALLBACK_TOKEN},
        {"source": "192.0.2.1"},
        {"headers": signed_headers(app_key="another", secret="wrong")},
        {"headers": signed_headers(secret="wrong")},
        {"headers": signed_headers()},
    ]
    reasons = []
    for repair in repairs:
        worst = replace(worst, **repair)  # type: ignore[arg-type]  # names and types are those of Arrival
        reasons.append(_refusal(worst, policy).reason)
    assert reasons == [
        "method",
        "size",
        "path",
        "source",
        "token_header_missing",
        "username",
        "digest",
        "created",
    ]


def test_optional_lets_an_unverified_push_in_and_marks_it() -> None:
    """auth.md §6, `backend.push.signature`."""
    policy = DoorPolicy(signature=PushSignature.OPTIONAL)
    admitted = _admit(_arrival(headers={}), policy)
    assert (admitted.flags, admitted.token) == (("unverified",), None)
    assert _admit(_arrival(), policy).flags == ()


def test_off_looks_at_no_signature_but_still_at_path_and_source() -> None:
    """auth.md §6: steps 2-7 skipped; the path secret and the allow-list are ours."""
    policy = DoorPolicy(signature=PushSignature.OFF, sources=(ip_network("203.0.113.0/24"),))
    assert _admit(_arrival(headers={}), policy).flags == ()
    assert _refusal(_arrival(headers={}, secret="wrong"), policy).status == 404
    assert _refusal(_arrival(headers={}, source="192.0.2.1"), policy).status == 401


def test_a_reused_nonce_is_told_by_its_body_and_forgotten_after_twice_the_tolerance() -> None:
    """auth.md §6 step 7, `log`."""
    memory = NonceMemory()

    def reused(body: str, *, hours: int = 0) -> bool:
        now = SIGNED_AT + timedelta(hours=hours)
        return memory.reused(APP_KEY, "nonce", body, now=now, tolerance_s=43_200)

    assert [reused("one"), reused("one"), reused("two", hours=24)] == [False, False, True]
    assert [reused("two", hours=25), reused("one", hours=26)] == [False, True]


def test_the_memory_of_nonces_is_bounded() -> None:
    memory = NonceMemory(capacity=2)
    for nonce in ("1", "2", "3"):
        memory.reused(APP_KEY, nonce, "body", now=SIGNED_AT, tolerance_s=1)
    assert not memory.reused(APP_KEY, "1", "another", now=SIGNED_AT, tolerance_s=1)
    assert memory.reused(APP_KEY, "3", "another", now=SIGNED_AT, tolerance_s=1)


def test_an_arrival_does_not_show_its_secrets() -> None:
    """U-D15."""
    shown = repr(_arrival())
    assert CALLBACK_TOKEN not in shown
    assert "PasswordDigest" not in shown
    assert "+86" not in shown
