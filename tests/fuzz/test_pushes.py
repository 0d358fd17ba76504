"""Every push of every kind and mode, and every event of every other source, with parts of it wrong.

A push that is answered 200 is stored or in quarantine, and both can be read; an event that nobody can work on
is named as failed and the rest of its batch is done.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.events import ROOT, event_files, function_of, read_event
from builders.fuzzing import (
    AWKWARD_TEXTS,
    FACTOR,
    HALF,
    POISON,
    effort,
    people_in,
    places,
    replaced,
)
from builders.house import House, running_house
from builders.house_life import SLOW, live, settle
from builders.pushes import callin_body, number_status_body, signed_headers, sms_body
from builders.streams import stream_event
from local.tenant import BY_MODE, Tenant
from privatenumber.settings import Mode
from privatenumber.signing import Scheme
from privatenumber.times import utc_now

SAMPLES: dict[str, Any] = json.loads(
    (ROOT / "tests/unit/emulator/documented_pushes.json").read_text(encoding="utf-8")
)
PUSHES: tuple[tuple[str, Any], ...] = (
    *(("status", event) for sample in SAMPLES.values() for event in sample.get("events", ())),
    *(("fee", {"eventType": "fee", "feeLst": [one["cdr"]] * 2}) for one in SAMPLES.values() if "cdr" in one),
    ("status", callin_body()),
    ("sms", sms_body()),
    ("sms", sms_body("Block")),
    ("number", number_status_body()),
)


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with running_house() as lived_in:
        for _ in live(lived_in):
            pass
        lived_in.log()
        yield lived_in


@st.composite
def bodies(draw: st.DrawFn) -> tuple[str, str]:
    """A kind of push, and the text of one: as documented, or with up to three parts replaced or added."""
    kind, body = draw(st.sampled_from(PUSHES))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.sampled_from(list(places(body))))
        body = replaced(
            body, place, draw(POISON | st.sampled_from([HALF, 2**70, "sms-1", "Block", "13800138001"]))
        )
    text = json.dumps(body, ensure_ascii=draw(st.booleans()))
    if draw(st.integers(0, 9)) == 0:
        text = draw(
            st.sampled_from([text[:-3], text + "}", "[" * 3000, "", "\x00", '{"eventType":"fee"}', text * 2])
        )
    return draw(st.sampled_from([kind, kind, kind, "status", "fee"])), text


@st.composite
def headers(draw: st.DrawFn, tenant: Tenant) -> dict[str, str]:
    """A good signature, mostly; or one that is old, of somebody else, broken or none."""
    scheme = draw(st.sampled_from(list(Scheme)))
    good = signed_headers(utc_now(), app_key=tenant.app_key, secret=tenant.app_secret, scheme=scheme)
    if draw(st.integers(0, 4)):
        return good
    name = draw(st.sampled_from(sorted(good)))
    value = draw(st.sampled_from([text for text in AWKWARD_TEXTS if text.isprintable()]))
    return draw(st.sampled_from([{**good, name: value}, {}, signed_headers(app_key=tenant.app_key)]))


def quiet(house: House) -> list[str]:
    """What was printed since the last look; no line of it shows a person or says that we failed."""
    lines = house.log()
    printed = "\n".join(lines)
    assert people_in(printed) == []
    assert not [line for line in lines if '"level":"ERROR"' in line or "Traceback" in line], printed[-3000:]
    return lines


def kept(house: House) -> dict[tuple[str, str], int]:
    """Every row of what was pushed, by its key, as a number that changes with it."""
    return {(row["pk"], row["sk"]): hash(repr(row)) for row in house.rows("BillsTable")}


def known_before(lines: Sequence[str]) -> bool:
    """Whether a push has told nothing that was not there already."""
    (told,) = [line for line in map(json.loads, lines) if line.get("message") == "push"]
    return bool(told["duplicates"]) and not told["stored"] and not told["unparsable"]


@pytest.mark.parametrize("mode", list(Mode))
def test_whatever_is_pushed_is_answered_and_what_was_taken_can_be_read(house: House, mode: Mode) -> None:
    """notifications.md; the readers are those of the streams and of the lists."""
    tenant = BY_MODE[mode]

    @effort(15)
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        kind, text = data.draw(bodies())
        encoded = data.draw(st.booleans())
        sent = text.encode("utf-8", "surrogatepass")
        body = base64.b64encode(sent).decode() if encoded else sent.decode("utf-8", "replace")
        before = kept(house)
        answer = house.push(tenant, kind, body, headers=data.draw(headers(tenant)), encoded=encoded)
        assert answer.status in (200, 400, 401, 404, 413), (answer, text)
        assert people_in(answer.text) == [] or kind in ("status", "sms"), answer
        lines = quiet(house)
        assert answer.status != 200 or kept(house) != before or known_before(lines), text

    run()
    settle(house)
    for route in ("GET /quarantine", "GET /worklist"):
        found = house.ask(route, query={"application": tenant.id, "limit": "100"})
        assert found.status == 200, found
        for entry in found.body.get("entries", ()):
            shown = house.ask(
                "GET /quarantine/{entry}", path={"entry": entry["id"]}, query={"application": tenant.id}
            )
            assert shown.status == 200, (entry, shown)
            assert people_in(shown.text) == []
    quiet(house)


def messages() -> dict[str, list[str]]:
    """Bodies of messages by the function that works on them, out of events/."""
    found: dict[str, list[str]] = {}
    for path in event_files():
        event = read_event(path)
        records = event.get("Records", ()) if isinstance(event, Mapping) else ()
        bodies_of = [record["body"] for record in records if "body" in record]
        if bodies_of:
            found.setdefault(function_of(path), []).extend(bodies_of)
    return found


MESSAGES = messages()
WORKERS = sorted(MESSAGES)


slow = pytest.mark.skipif(not FACTOR, reason="works on whole months; `make fuzz` runs it")


@pytest.mark.parametrize("worker", [pytest.param(one, marks=slow) if one in SLOW else one for one in WORKERS])
def test_a_message_that_cannot_be_worked_on_is_named_and_nothing_else_happens(
    house: House, worker: str
) -> None:
    """At most it comes again, and ends in the queue of what failed."""

    @effort(6)
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        records = [
            {"messageId": f"m{n}", "body": data.draw(spoilt_texts(worker)), "attributes": {}}
            for n in range(2)
        ]
        answer = house.invoke(worker, {"Records": records})
        assert {one["itemIdentifier"] for one in answer["batchItemFailures"]} <= {"m0", "m1"}
        assert people_in("\n".join(house.log())) == []

    run()


@st.composite
def spoilt_texts(draw: st.DrawFn, worker: str) -> str:
    """The body of a message with one or two parts replaced, or no JSON at all."""
    text = draw(st.sampled_from(MESSAGES[worker]))
    try:
        body = json.loads(text)
    except ValueError:
        return text
    for _ in range(draw(st.integers(1, 2))):
        body = replaced(body, draw(st.sampled_from(list(places(body)))), draw(POISON))
    return draw(st.sampled_from([json.dumps(body), json.dumps(body), text[:-1], ""]))


READERS = ("FollowFunction", "AuditFunction", "RecordingsNoteFunction", "WebhooksNoteFunction")


@pytest.mark.parametrize("reader", READERS)
def test_a_row_that_nobody_wrote_fails_by_its_number_and_no_other_way(house: House, reader: str) -> None:
    """What a stream hands over is a row of ours; were one broken, the batch must not be lost with it."""
    (source,) = [one for one in house.deployment.streams if one.function == reader]
    rows = [dict(row) for row in house.rows(source.table)]

    @effort(12)
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        chosen = [dict(data.draw(st.sampled_from(rows))) for _ in range(2)]
        name = data.draw(st.sampled_from([one for one in sorted(chosen[0]) if one not in ("pk", "sk")]))
        if data.draw(st.booleans()):
            del chosen[0][name]
        else:
            chosen[0][name] = data.draw(
                st.none() | st.text(max_size=9) | st.integers(-5, 5) | st.binary(max_size=9)
            )
        event = stream_event(chosen)
        known = {record["dynamodb"]["SequenceNumber"] for record in event["Records"]}
        answer = house.invoke(reader, event)
        assert {one["itemIdentifier"] for one in answer["batchItemFailures"]} <= known
        assert people_in("\n".join(house.log())) == []

    run()


ORDER: Mapping[str, Any] = {
    "action": "rerate",
    "month": "2026-09",
    "day": "2026-09-02",
    "as_of": "2026-09-03T00:00:00Z",
    "files": {"calls": "imports/none.csv", "bill": "imports/none.csv"},
    "mappings": {},
    "calls": "imports/none.csv",
    "lines": [2],
    "prices": [],
}


@slow
@effort(5)
@given(data=st.data())
def test_an_order_to_billing_is_done_or_refused(house: House, data: st.DataObject) -> None:
    """`action`, month, day, files and the rest, as an operator may write them."""
    event: Any = dict(ORDER)
    for _ in range(data.draw(st.integers(1, 2))):
        place = data.draw(st.sampled_from([one for one in places(event) if one]))
        event = replaced(event, place, data.draw(POISON | st.sampled_from(["reconcile", "import"])))
    document = house.invoke("BillingFunction", event)
    assert document["kind"]
    assert people_in("\n".join(house.log())) == []


def test_every_worker_has_samples(house: House) -> None:
    assert {source.function for source in house.deployment.queue_sources} == set(WORKERS)
    assert {source.function for source in house.deployment.streams} == set(READERS)
