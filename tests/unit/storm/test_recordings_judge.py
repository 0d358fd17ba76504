"""The judge of recordings sees one that is lost, spoilt, stored twice or made up."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from builders.keyrings import KEYRING
from emulator.callscript import CallScript
from emulator.inventory import PushUrls
from emulator.platform import Emulator
from emulator.recordings import content, size_of
from emulator.world import AxbBinding
from privatenumber.privacy import token
from privatenumber.store.fact_rows import call_key, key_part
from privatenumber.store.recordings import recording_sk
from storm.cloud import Files
from storm.judges.recordings import judge_recordings
from storm.judges.verdict import Verdict
from storm.orders import person
from storm.platform import OURS, app_key, furnish, settings, x_numbers
from storm.voices import LATE, MISSING, Voices

START = datetime(2026, 9, 14, tzinfo=UTC)
ASKED = frozenset({"one"})
FILE = "storm-axb/2026-09-14/one.wav"


class Bench:
    """A platform that recorded one call of ten seconds, and what we have of it; `faults` befall its file."""

    def __init__(self, *faults: str, record: bool = True) -> None:
        self.files = Files()
        self.emulator = Emulator(settings(1), start=START)
        furnish(self.emulator)
        for application in list(self.emulator.world.applications.values()):
            self.emulator.world.put_application(replace(application, urls=PushUrls()))
        Voices(self.emulator, lambda kind: kind in faults).install()
        x = x_numbers("AXB")[0]
        self.emulator.world.add_axb(
            AxbBinding(
                "one",
                app_key("AXB"),
                x,
                person(1),
                person(2),
                START,
                record=record,
                record_hint_tone="tone.wav",
            )
        )
        self.emulator.calls.place(CallScript(caller=person(1), called=x, outcome="answered", talk_s=10))
        self.pass_time(600)
        (self.call,) = self.emulator.calls.calls.values()
        self.pk = call_key(OURS[self.call.app_key], token(KEYRING, self.call.session_id, purpose="session"))
        self.rows: dict[tuple[str, str], dict[str, Any]] = {(self.pk, f"CDR#{key_part(self.call.icid)}"): {}}

    def pass_time(self, seconds: float) -> None:
        asyncio.run(self.emulator.scheduler.advance(seconds))

    def note(self, state: str, **more: Any) -> None:
        assert self.call.recording
        sk = recording_sk(token(KEYRING, self.call.recording.object_name, purpose="recording"))
        row = {"state": state, "file": FILE, "bytes": size_of(10), **more}
        self.rows[self.pk, sk] = row

    def store(self, body: bytes) -> None:
        self.files.put_object(Bucket="recordings", Key=FILE, Body=body)

    def verdict(self, *, links: bool = True, asked: frozenset[str] | None = ASKED) -> Verdict:
        told: list[Mapping[str, Any]] = [{"url": "https://file"}] if links else []
        return judge_recordings(self.emulator, self.rows, self.files, KEYRING, lambda *call: told, asked)


@pytest.fixture
def whole() -> bytes:
    return b"".join(content(10))


def test_an_archived_recording_is_in_order(whole: bytes) -> None:
    bench = Bench()
    bench.note("archived")
    bench.store(whole)
    assert bench.verdict().holds
    assert not bench.verdict(links=False).holds


def test_a_recording_that_nobody_noted_is_a_breach() -> None:
    assert not Bench().verdict().holds


def test_a_file_that_is_not_whole_or_came_twice_is_a_breach(whole: bytes) -> None:
    bench = Bench()
    bench.note("archived")
    bench.store(whole[:-1])
    assert not bench.verdict().holds
    bench.store(whole)
    assert not bench.verdict().holds


def test_giving_up_a_file_that_is_there_is_a_breach() -> None:
    bench = Bench()
    bench.note("no_file", reason="expired")
    assert not bench.verdict().holds


def test_a_file_that_never_was_there_has_to_be_given_up() -> None:
    bench = Bench(MISSING)
    bench.note("no_file", reason="expired")
    assert bench.verdict().holds
    bench.note("pending")
    assert not bench.verdict().holds


def test_a_late_file_comes_at_last() -> None:
    bench = Bench(LATE)
    assert bench.call.recording
    assert not bench.call.recording.stored
    bench.pass_time(6 * 3600)
    assert bench.call.recording.stored


def test_a_file_of_nothing_is_a_breach(whole: bytes) -> None:
    bench = Bench()
    bench.store(whole)
    bench.rows.clear()
    assert not bench.verdict().holds


def test_a_call_that_should_have_been_recorded_and_was_not_is_a_breach() -> None:
    bench = Bench(record=False)
    assert bench.verdict().breaches
    assert not bench.verdict(asked=frozenset()).breaches


def test_a_storm_whose_orders_ask_for_recordings_must_have_some() -> None:
    bench = Bench(record=False)
    assert bench.verdict(asked=frozenset()).state == "BROKEN"
    assert bench.verdict(asked=None).state == "not judged"
