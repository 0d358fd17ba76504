"""Where parameters are read, and which bodies and query strings pass (numbers.md §7.1).

C-011; decisions 39, 45 to 48.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from builders.contract import AXYB_PATH, INTERFACES, INVALID, OK, A, B, Subject
from builders.contract_account import Control

pytestmark = pytest.mark.contract("requests")

BODIES = [api for api, interface in INTERFACES.items() if interface.in_body and api != "call.stop"]
QUERIES = [api for api, interface in INTERFACES.items() if not interface.in_body and interface.mode]
NUMBER_LOCATORS = {
    "ax.unbind": ("privateNum",),
    "ax.query": ("privateNum", "origNum"),
    "axb.unbind": ("relationNum",),
    "axb.query": ("relationNum",),
    "axe.unbind": ("virtualNum",),
    "axe.query": ("virtualNum",),
    "axyb.query": ("relationNum",),
}
TABLE = [(api, name) for api, names in NUMBER_LOCATORS.items() for name in names]


def raw(subject: Subject, api: str, content: bytes, headers: dict[str, str] | None = None) -> Any:
    """A request with these very bytes as body."""
    interface = INTERFACES[api]
    query = {"app_key": subject.app_key} if interface.path == AXYB_PATH else {}
    return subject.send(interface.method, interface.path, query=query, content=content, headers=headers)


def text(subject: Subject, api: str, query: str, **sent: Any) -> Any:
    """A request with this very query string, the AXYB key before it."""
    interface = INTERFACES[api]
    key = f"app_key={subject.app_key}&" if interface.path == AXYB_PATH else ""
    return subject.send(interface.method, interface.path, query=key + query, **sent)


# Bodies


@pytest.mark.parametrize("api", BODIES)
def test_a_body_that_is_no_object_is_refused(subject: Subject, api: str) -> None:
    """Decision 48."""
    odd = (b"", b"[]", b"null", b'"text"', b"{", b"origNum=1", b"\xff\xfe{}", b"[" * 9999, b"1")
    assert {content: raw(subject, api, content).outcome for content in odd} == dict.fromkeys(odd, INVALID)


@pytest.mark.parametrize("api", BODIES)
def test_a_body_of_64_kib_is_the_largest(subject: Subject, api: str) -> None:
    values = subject.valid(api)
    empty = len(json.dumps({**values, "padding": ""}))
    fits, over = ({**values, "padding": "x" * (64 * 1024 - empty + more)} for more in (0, 1))
    assert raw(subject, api, json.dumps(over).encode()).outcome == INVALID
    assert raw(subject, api, json.dumps(fits).encode()).outcome == OK


@pytest.mark.parametrize("api", BODIES)
def test_a_byte_order_mark_is_skipped(subject: Subject, api: str) -> None:
    content = json.dumps(subject.valid(api)).encode("utf-8-sig")
    assert raw(subject, api, content).outcome == OK


@pytest.mark.parametrize("api", BODIES)
@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded"])
def test_the_content_type_matters_in_strict_only(
    control: Control, subject: Subject, api: str, content_type: str
) -> None:
    """Decision 45."""
    content = json.dumps(subject.valid(api)).encode()
    assert raw(subject, api, content, {**subject.signed(), "Content-Type": content_type}).outcome == OK
    control.strict()
    content = json.dumps(subject.valid(api)).encode()
    assert raw(subject, api, content, {**subject.signed(), "Content-Type": content_type}).outcome == INVALID
    accepted = {**subject.signed(), "Content-Type": "application/json; charset=gbk"}
    assert raw(subject, api, content, accepted).outcome == OK


@pytest.mark.parametrize("api", BODIES)
def test_the_query_of_a_post_or_put_is_not_read(subject: Subject, api: str) -> None:
    query = "&".join(f"{name}=%2B8613800138001" for name in subject.valid(api))
    assert text(subject, api, query, body={}).outcome == INVALID


# Queries


@pytest.mark.parametrize("api", QUERIES)
@pytest.mark.parametrize("body", [b"not json at all", b'{"subscriptionId": "other"}', b"[" * 9999])
def test_a_body_on_get_and_delete_is_ignored(subject: Subject, api: str, body: bytes) -> None:
    """Decision 39: clients exist that repeat the parameters, or leave an old body."""
    query = f"subscriptionId={subject.bound()}"
    assert text(subject, api, query, content=body).outcome == OK


@pytest.mark.parametrize("api", QUERIES)
def test_parameters_only_in_the_body_are_none(subject: Subject, api: str) -> None:
    """Decision 39."""
    bound = subject.bound()
    assert text(subject, api, "", body={"subscriptionId": bound}).outcome == INVALID
    assert subject.alive(bound)


@pytest.mark.parametrize("api", QUERIES)
def test_only_empty_locators_are_none(subject: Subject, api: str) -> None:
    assert text(subject, api, "subscriptionId=&privateNum=&relationNum=&virtualNum=").outcome == INVALID


@pytest.mark.parametrize(("api", "name"), TABLE)
def test_an_unescaped_plus_is_read_as_plus_in_lenient_only(
    control: Control, subject: Subject, api: str, name: str
) -> None:
    """Decision 46; C-011: `+` is written `%2B`."""
    outcomes = []
    for strictness in ("lenient", "strict"):
        control.settings(strictness=strictness)
        answer = subject.bind()
        x = answer.json.get("relationNumber", subject.x)
        number = A if name == "origNum" else x
        extension = "&extendNum=0007" if api.startswith("axe") else ""
        escaped, plain = (f"{name}={number.replace('+', sign)}{extension}" for sign in ("%2B", "+"))
        outcomes.append(text(subject, api, plain).outcome)
        subject.bind()
        assert text(subject, api, escaped).outcome == OK
    assert outcomes == [OK, INVALID]


@pytest.mark.parametrize("api", QUERIES)
def test_of_a_repeated_parameter_the_first_counts_in_lenient_only(
    control: Control, subject: Subject, api: str
) -> None:
    """Decision 47."""
    outcomes = []
    for strictness in ("lenient", "strict"):
        control.settings(strictness=strictness)
        outcomes.append(text(subject, api, f"subscriptionId={subject.bound()}&subscriptionId=other").outcome)
    assert outcomes == [OK, INVALID]


@pytest.mark.parametrize("api", QUERIES)
def test_a_query_that_is_not_utf_8_is_refused(subject: Subject, api: str) -> None:
    assert text(subject, api, "subscriptionId=%FF%FE").outcome == INVALID


@pytest.mark.parametrize("api", QUERIES)
def test_unknown_parameters_are_ignored(subject: Subject, api: str) -> None:
    assert text(subject, api, f"subscriptionId={subject.bound()}&else=1&SUBSCRIPTIONID=2").outcome == OK


@pytest.mark.parametrize("api", [*BODIES, *QUERIES])
def test_every_answer_is_the_envelope_with_its_charset(subject: Subject, api: str) -> None:
    """numbers.md §7.6: a code is always a text, and both members come first."""
    for answer in (subject.call(api, subject.valid(api)), subject.call(api, {"subscriptionId": "a" * 99})):
        assert list(answer.json)[:2] == ["resultcode", "resultdesc"]
        assert isinstance(answer.json["resultcode"], str)
        assert answer.headers["content-type"] == "application/json;charset=utf-8"


@pytest.mark.parametrize("mode", ["AX", "AXB", "AXE", "AXYB"])
def test_bind_and_release_over_and_over(subject: Subject, mode: str) -> None:
    """Nothing of a binding is left after its release."""
    for _ in range(3):
        bound = subject.bound()
        assert subject.alive(bound)
        assert subject.unbind(subscriptionId=bound).outcome == OK
        assert not subject.alive(bound)
    assert B not in str(subject.query(subscriptionId=bound).json)
