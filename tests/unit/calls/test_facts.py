"""Facts out of pushes: keys and digests of notifications.md §9.2, the privacy of design.md §6."""

import copy
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.calls import new_facts
from builders.keyrings import KEYRING
from builders.pushes import (
    APP_KEY,
    ICID,
    SESSION,
    SIGNED_AT,
    STRANGER,
    SUBSCRIPTION,
    A,
    B,
    X,
    callin_body,
    cdr_entry,
    event_body,
    fee_body,
    number_status_body,
    sms_body,
    stranger_cdr,
    wire,
)
from privatenumber.calls.facts import Reception, fact_of, open_raw
from privatenumber.platform.pushes import NotAPush, parse_push
from privatenumber.privacy import SealBroken, token
from privatenumber.settings import Mode
from privatenumber.store.fact_rows import NewFact, read_cdr, read_event

RECEPTION = Reception("demo", SIGNED_AT, KEYRING)
SESSION_TOKEN = token(KEYRING, SESSION, purpose="session")


def _fact(body: Mapping[str, Any], reception: Reception = RECEPTION) -> NewFact:
    (entry,) = parse_push(wire(body)).entries
    return fact_of(entry, reception)


def _cdr(**changes: Any) -> NewFact:
    return _fact(fee_body(cdr_entry(**changes)))


def test_an_event_is_keyed_by_application_session_and_type() -> None:
    """notifications.md §9.2."""
    fact = _fact(event_body("answer", second=8))
    assert (fact.pk, fact.sk) == (f"CALL#demo#{SESSION_TOKEN}", "EVENT#answer")
    assert fact.item["at"] == "2026-09-02T01:00:08.000Z"
    assert fact.item["subscription_id"] == SUBSCRIPTION


def test_each_typed_extension_is_an_event_of_its_own() -> None:
    """notifications.md §9.2: collectInfo is keyed by time and digits too; digits stand nowhere in clear."""
    first = _fact(event_body("collectInfo", second=9, digitInfo="0007"))
    later = _fact(event_body("collectInfo", second=12, digitInfo="0007"))
    other = _fact(event_body("collectInfo", second=9, digitInfo="0008"))
    silent = _fact(event_body("collectInfo", second=9, digitInfo=""))
    assert len({fact.sk for fact in (first, later, other, silent)}) == 4
    assert first.sk.startswith("EVENT#collectInfo#2026-09-02T01:00:09.000Z#")
    assert "0007" not in first.sk


def test_a_cdr_is_keyed_by_icid_beside_its_call() -> None:
    """notifications.md §9.2."""
    fact = _cdr()
    assert (fact.pk, fact.sk) == (f"CALL#demo#{SESSION_TOKEN}", f"CDR#{ICID}")


def test_a_cdr_without_icid_is_keyed_by_session_and_one_without_both_by_content() -> None:
    """notifications.md §9.2."""
    assert _cdr(icid=None).sk == "CDR#-"
    bare = _cdr(icid=None, sessionId=None)
    assert (bare.pk, bare.sk) == (f"CALL#demo#hash{bare.digest}", "CDR#-")
    assert _cdr(icid=None, sessionId=None, direction=0).pk != bare.pk


@pytest.mark.parametrize("icid", ["a#b", "blank in it", "x" * 900, "中"])
def test_an_id_that_would_harm_a_key_is_hashed(icid: str) -> None:
    fact = _cdr(icid=icid)
    assert fact.sk.startswith("CDR#~")
    assert len(fact.sk) < 64
    assert fact.item["icid"] == icid


def test_the_day_index_holds_cdrs_by_their_end_in_beijing() -> None:
    """U-D24: day boundaries in Beijing time, at 15:59 and 16:00 UTC."""
    ends = [cdr_entry(callEndTime=f"2026-09-02 {time}") for time in ("15:59:59", "16:00:00")]
    facts = new_facts(fee_body(*ends), at=SIGNED_AT + timedelta(hours=15))
    before, after = (fact.item for fact in facts)
    assert before["day_key"].startswith("CDR#demo#2026-09-02#")
    assert after["day_key"].startswith("CDR#demo#2026-09-03#")
    assert after["day_sort"] == f"2026-09-02T16:00:00.000Z#{ICID}"


def test_an_end_that_lies_ahead_of_its_receipt_files_nothing_far_away() -> None:
    """No month would ever bill it."""
    assert _cdr(callEndTime="2199-12-31 23:59:59").item["day_key"].startswith("CDR#demo#2026-09-02#")


def test_a_cdr_without_end_belongs_to_the_day_it_came() -> None:
    late = Reception("demo", SIGNED_AT + timedelta(days=3), KEYRING)
    fact = _fact(fee_body(cdr_entry(callEndTime=None)), late)
    assert fact.item["day_key"].startswith("CDR#demo#2026-09-05#")


def test_only_the_hang_up_event_stands_in_the_day_index() -> None:
    """What billing holds against the CDRs (billing-rules.md §9.3)."""
    assert _fact(event_body("disconnect")).item["day_key"].startswith("END#demo#2026-09-02#")
    for event_type in ("callin", "callout", "alerting", "answer"):
        assert "day_key" not in _fact(event_body(event_type)).item


@pytest.mark.parametrize(
    "body",
    [
        event_body("disconnect"),
        fee_body(),
        fee_body(stranger_cdr()),
        event_body("collectInfo", digitInfo="7"),
    ],
)
def test_no_person_and_no_session_stands_in_clear(body: Mapping[str, Any]) -> None:
    """design.md §6, U-D15, U-N16: whatever is not sealed tells no number."""
    fact = _fact(body)
    clear = repr((fact.pk, fact.sk, {k: v for k, v in fact.item.items() if k != "sealed"}))
    for secret in (A, B, STRANGER, A[3:], SESSION, "1200_", "order-1001"):
        assert secret not in clear


def test_numbers_have_the_tokens_that_bindings_use() -> None:
    """A CDR finds its parties without opening anything."""
    item = _cdr().item
    assert (item["caller"], item["callee"]) == (token(KEYRING, A), token(KEYRING, B))
    assert item["x"] == X


def test_a_shown_number_that_is_a_person_is_not_kept_in_clear() -> None:
    """ax.md, calleeNumDisplay = 1: the callee may be shown the real caller."""
    assert _cdr(fwdDisplayNum=X).item["display_x"] == X
    assert "display_x" not in _cdr(fwdDisplayNum=A).item


@pytest.mark.parametrize("x", [A, B, "no number", None])
def test_an_x_that_is_no_private_number_is_left_to_the_sealed_raw(x: str | None) -> None:
    fact = _cdr(bindNum=x, calleeNum=x)
    assert "x" not in fact.item
    assert "x_unreadable" in fact.item["flags"]


def test_what_was_sent_comes_back_from_the_seal_for_its_application_only() -> None:
    """notifications.md §2.8: unknown fields are kept in the raw record."""
    sent = cdr_entry(futureField={"kept": [1]})
    fact = _fact(fee_body(sent))
    assert open_raw(KEYRING, "demo", fact.item["sealed"]) == sent
    with pytest.raises(SealBroken):
        open_raw(KEYRING, "other", fact.item["sealed"])
    event = event_body("answer")
    assert open_raw(KEYRING, "demo", _fact({**event, "more": 1}).item["sealed"]) == {**event, "more": 1}


def test_equal_facts_have_equal_digests_however_they_are_spelled() -> None:
    """notifications.md §9.2: same content is a duplicate, whenever and however it comes."""
    plain = _cdr()
    respelled = dict(reversed(cdr_entry(direction="1", callEndTime="2026-09-02T01:01:10Z", x="").items()))
    later = Reception("demo", SIGNED_AT + timedelta(hours=10), KEYRING, ("unverified",))
    assert _fact(fee_body(respelled), later).digest == plain.digest
    assert _cdr(callEndTime="2026-09-02 01:01:11").digest != plain.digest


def test_a_record_without_binding_is_marked_as_orphan() -> None:
    """notifications.md §9.3, U-P12: never acted upon."""
    assert _fact(fee_body(stranger_cdr())).item["flags"] == ["orphan"]
    assert "flags" not in _cdr().item


def test_flags_of_the_reception_are_remembered() -> None:
    odd = Reception("demo", SIGNED_AT, KEYRING, ("unverified", "gb18030"))
    assert _fact(event_body("answer", caller="+85212345678"), odd).item["flags"] == [
        "foreign_number",
        "gb18030",
        "unverified",
    ]


def test_every_arrival_of_a_number_state_is_a_fact() -> None:
    """notifications.md §7, §9.2: the push has neither time nor id."""
    body = number_status_body({"number": "17010000001", "status": "10", "cause": "2"})
    fact = _fact(body)
    assert fact.pk == "NUMBER#demo#+8617010000001"
    assert fact.sk == f"2026-09-02T01:00:00.000Z#{fact.digest}"
    assert (fact.item["status"], fact.item["cause"]) == ("10", "2")


def test_an_sms_notice_is_kept_under_its_identifier_and_mode() -> None:
    """notifications.md §9.2: Block and Notify of one SMS share the identifier."""
    sms = {"smsIdentifier": "sms-20260902-0001", "smsContent": "secret words", "calling": A}
    notify, block = (
        _fact({"appKey": APP_KEY, "smsEvent": {**sms, "notificationMode": mode}})
        for mode in ("Notify", "Block")
    )
    assert notify.pk == block.pk
    assert (notify.sk, block.sk) == ("Notify", "Block")
    assert "secret words" not in repr({k: v for k, v in notify.item.items() if k != "sealed"})


def test_facts_are_forgotten_after_400_days() -> None:
    """operations.md §13."""
    assert _cdr().item["expires_at"] == int((SIGNED_AT + timedelta(days=400)).timestamp())


def test_rows_are_read_back_as_they_were_meant() -> None:
    """What billing gets from the store."""
    fact = _cdr(callRelDirection=1, callDuration="62")
    cdr = read_cdr({"pk": fact.pk, "sk": fact.sk, **fact.item})
    assert (cdr.key, cdr.icid, cdr.direction, cdr.recorded) == ((fact.pk, fact.sk), ICID, 1, True)
    assert cdr.answered_at is not None
    assert cdr.ended_at is not None
    assert (cdr.ended_at - cdr.answered_at).total_seconds() == 62
    assert (cdr.failed_at, cdr.released_by, cdr.call_seconds, cdr.flags) == (None, 1, 62, ())
    end = _fact(event_body("disconnect", second=30))
    event = read_event({"pk": end.pk, "sk": end.sk, **end.item})
    assert (event.event, event.session, event.state_code) == ("disconnect", SESSION_TOKEN, 0)
    assert json.loads(json.dumps(event.flags)) == []


@pytest.mark.parametrize("quoted", [SESSION, A, A.removeprefix("+86"), f"leg-{B}"])
def test_an_id_that_quotes_a_person_or_the_session_stands_as_its_token(quoted: str) -> None:
    """U-D15, U-N16: whatever the platform puts into an id, no number reaches a key."""
    fact = _cdr(icid=quoted, subscriptionId=quoted)
    written = json.dumps({name: value for name, value in fact.item.items() if name != "sealed"}) + fact.sk
    assert quoted not in written
    assert fact.item["icid"].startswith("~")


@pytest.mark.parametrize(
    ("icid", "subscription_id"),
    [
        (ICID, SUBSCRIPTION),
        ("a13800138001b4c6590ab12cd34ef567.3997785600.1.7", "3f2b8c10-6a4d-4e57-9b21-13800138001a"),
        ("call-3997785600", "1000000000000042"),
    ],
)
def test_an_ordinary_id_stays_as_it_is(icid: str, subscription_id: str) -> None:
    """Bills and bindings are found by it; digits of an id in the platform's form are no number."""
    fact = _cdr(icid=icid, subscriptionId=subscription_id, callerNum=STRANGER, fwdDstNum=B)
    assert (fact.item["icid"], fact.item["subscription_id"]) == (icid, subscription_id)


@pytest.mark.parametrize("code", ["ringing", "12", "CALLIN", "收号"])
def test_an_unknown_code_stays_readable_while_it_can_be_no_number(code: str) -> None:
    """notifications.md §7: unknown values are stored."""
    assert _fact(event_body(code)).item["event"] == code
    assert _fact(number_status_body({"number": X, "status": code})).item["status"] == code


#: Somebody of whom nothing else in the push speaks.
SOMEBODY = "13912345678"
SPELLINGS = [
    SOMEBODY,
    f"+86{SOMEBODY}",
    f"86{SOMEBODY}",
    f"0086{SOMEBODY}",
    f"%2B86{SOMEBODY}",
    "139 1234 5678",
    "+86 139-1234-5678",
    "１３９１２３４５６７８",
    f"tel{SOMEBODY}",
    f"86{SOMEBODY}_8613900000000_4_5f",
    int(SOMEBODY),
]
#: The fields in which an X is expected: which number is one, a push alone does not tell.
X_FIELDS = {"bindNum", "calleeNum", "fwdDisplayNum", "virtualNumber", "number"}
PUSHES = [
    event_body("callin"),
    event_body("disconnect"),
    event_body("collectInfo", digitInfo="0007"),
    callin_body(),
    fee_body(),
    fee_body(stranger_cdr()),
    number_status_body({"number": X, "status": "10", "cause": "3"}),
    sms_body("Block"),
    sms_body(),
]


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    members: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        members = value.items()
    elif isinstance(value, list):
        members = enumerate(value)
    else:
        yield path
    for name, member in members:
        yield from _places(member, (*path, name))


def _mutated(body: Mapping[str, Any], path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    changed: dict[str, Any] = copy.deepcopy(dict(body))
    place: Any = changed
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return changed


@pytest.mark.parametrize("mode", [Mode.AXB, Mode.AX, Mode.X])
@given(data=st.data())
def test_a_number_in_whatever_field_of_a_push_is_nowhere_in_clear(mode: Mode, data: st.DataObject) -> None:
    """design.md §6: of a malformed push as little as of a good one."""
    body = data.draw(st.sampled_from(PUSHES))
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from([p for p in _places(body) if p[-1] not in X_FIELDS]))
        body = _mutated(body, path, data.draw(st.sampled_from(SPELLINGS)))
    try:
        entries = parse_push(wire(body)).entries
    except NotAPush:
        return
    for entry in entries:
        fact = fact_of(entry, Reception("demo", SIGNED_AT, KEYRING, mode=mode))
        open_to_all = {name: value for name, value in fact.item.items() if name != "sealed"}
        shown = unicodedata.normalize("NFKC", repr((fact.pk, fact.sk, open_to_all)))
        assert SOMEBODY not in re.sub(r"[\s-]", "", shown)
        assert open_raw(KEYRING, "demo", fact.item["sealed"]) is not None


@pytest.mark.parametrize("field", ["bindNum", "calleeNum", "fwdDisplayNum"])
def test_a_person_of_the_record_in_the_place_of_x_stands_nowhere_in_clear(field: str) -> None:
    fact = _cdr(callerNum=SOMEBODY, **{field: f"+86{SOMEBODY}"})
    assert SOMEBODY not in repr((fact.pk, fact.sk, {k: v for k, v in fact.item.items() if k != "sealed"}))


def test_many_unreadable_entries_are_put_apart_as_one() -> None:
    """notifications.md §2.8: nothing of them is lost, and one push never becomes thousands of writes."""
    push = parse_push(wire({"eventType": "fee", "feeLst": [*range(10_000), cdr_entry()]}))
    (together,) = push.bad
    assert (len(together.raw), len(push.entries)) == (10_000, 1)
