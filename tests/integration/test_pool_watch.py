"""The hourly look at the pools as composed: tables, applications, metrics (operations.md §6)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, cast

import pytest
from moto import mock_aws

from builders.bindings import APPLICATION, active_number, within
from builders.deployment import table_request
from builders.emulator import APP_KEY, SECRET, X1, X2, X3
from builders.events import event_files, function_of, read_event
from builders.function_house import Context
from builders.keyrings import KEYRING
from builders.pushes import cdr_entry, fee_body
from builders.records import record
from functions.unbind import watch
from privatenumber.bindings import pool
from privatenumber.bindings.pool import PoolInsight
from privatenumber.bindings.quarantine import Move, QuarantineLoop
from privatenumber.bindings.watch import PoolWatch
from privatenumber.calls.facts import Reception, fact_of
from privatenumber.platform.pushes import parse_push
from privatenumber.settings import Application
from privatenumber.store import clients
from privatenumber.store.binding_search import BindingSearch
from privatenumber.store.bindings import BindingStore
from privatenumber.store.facts import FactStore
from privatenumber.store.numbers import NumberState, NumberStore
from privatenumber.store.pool_needs import PoolNeeds
from privatenumber.store.secrets import ApplicationsSecret
from privatenumber.times import iso, platform_time, utc_now

TABLE, BILLS = "Bindings", "Bills"


def application(identity: str = APPLICATION, **more: Any) -> dict[str, Any]:
    return {
        "id": identity,
        "app_key": APP_KEY if identity == APPLICATION else f"{identity}-key",
        "secrets": [SECRET],
        "mode": "AXB",
        "base_url": "https://platform.example.com",
        "callback_token": "callback-token-0001",
        **more,
    }


@pytest.fixture(autouse=True)
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two applications, of which one has three numbers."""
    with mock_aws():
        monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-north-1")
        forget()
        clients.dynamodb().create_table(**table_request("BindingsTable", TABLE))
        clients.dynamodb().create_table(**table_request("BillsTable", BILLS))
        for x in (X1, X2, X3):
            numbers().put(active_number(x), seen=None)
        told = json.dumps({"applications": [application(), application("empty")]})
        secret = clients.secrets().create_secret(Name="applications", SecretString=told)
        for name, value in {
            "BINDINGS_TABLE": TABLE,
            "BILLS_TABLE": BILLS,
            "APPLICATIONS_SECRET": secret["ARN"],
        }.items():
            monkeypatch.setenv(name, value)
        yield
    forget()


def forget() -> None:
    for made_once in (watch.pools, clients.dynamodb, clients.secrets):
        made_once.cache_clear()


def numbers() -> NumberStore:
    return NumberStore(clients.dynamodb(), TABLE)


def stand(token: str, *where: str, **changes: Any) -> None:
    """Let somebody stand on numbers, each with another partner."""
    store = BindingStore(clients.dynamodb(), TABLE)
    for n, x in enumerate(where):
        other = f"{token}-{n}"
        bound = record(
            f"b{token}{n}",
            state="ACTIVE",
            x=x,
            order=f"order-{other}",
            a_token=token,
            b_token=other,
            places=frozenset({token, other}),
            pairs=frozenset({other}),
            idempotency=None,
            **changes,
        )
        store.create(bound, now=0, key_expires_at=0)


def called(x: str, *, connected: bool, times: int = 20) -> None:
    """Let calls of a number end a moment ago, as pushes tell it."""
    facts = FactStore(clients.dynamodb(), BILLS)
    now = utc_now()
    reception = Reception(APPLICATION, now, KEYRING)
    for n in range(times):
        ended = platform_time(now - timedelta(minutes=n + 1))
        entry = cdr_entry(
            icid=f"{x}-{n}",
            sessionId=f"{x}-{n}",
            bindNum=x,
            fwdAnswerTime=ended if connected else "",
            callEndTime=ended,
            ulFailReason=0 if connected else 7504,
        )
        (parsed,) = parse_push(json.dumps(fee_body(entry)).encode()).entries
        facts.put_facts([fact_of(parsed, reception)])


def metric(out: str, name: str) -> list[dict[str, Any]]:
    """What was written of a metric: its value, and application and city where it has them."""
    lines = [json.loads(line) for line in out.splitlines() if line.startswith("{") and '"_aws"' in line]
    return [
        {"value": line[name][0], **{by: line[by] for by in ("application", "city") if by in line}}
        for line in lines
        if name in line
    ]


def test_a_look_measures_each_pool_that_has_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    stand("ann", X1, X2)
    assert watch.watch({}, Context()) == {"pools": 1, "moves": {}}
    out = capsys.readouterr().out
    assert metric(out, "PoolUtilisation") == [
        {"value": 66.7, "application": APPLICATION},
        {"value": 66.7},
    ]
    assert metric(out, "NumbersLeft") == [{"value": 1.0, "application": APPLICATION}, {"value": 1.0}]


def test_the_alarm_hears_of_the_fullest_city(capsys: pytest.CaptureFixture[str]) -> None:
    """One of four X is used up as a whole; in its own city it is the only one."""
    numbers().put(active_number("+8617010000009", area_code="010"), seen=None)
    stand("ann", "+8617010000009")
    watch.watch({}, Context())
    told = metric(capsys.readouterr().out, "PoolUtilisation")
    assert {(one.get("city"), one["value"]) for one in told} == {
        (None, 25.0),
        ("010", 100.0),
        ("0755", 0.0),
        (None, 100.0),
    }


def test_a_look_keeps_what_each_pool_needs_once_a_day() -> None:
    """U-N20: whoever plans returns goes by it; a pool without bindings needs nothing."""
    lately, later = (iso(utc_now() + timedelta(days=days)) for days in (-1, 1))
    stand("ann", X1, X2, created_at=lately, rest={"attempts": 0, "ends_at": later})
    watch.watch({}, Context())
    needs = PoolNeeds(clients.dynamodb(), TABLE)
    found = needs.get_many([APPLICATION, "empty", "unknown"])
    assert {name: (need.complete, list(need.numbers)) for name, need in found.items()} == {
        APPLICATION: (True, ["0755"]),
        "empty": (True, []),
    }
    assert found[APPLICATION].numbers["0755"] >= 2
    stand("bob", X1, X2, X3)
    watch.watch({}, Context())
    assert needs.get_many([APPLICATION]) == {APPLICATION: found[APPLICATION]}


def test_a_number_that_connects_nobody_leaves_the_pool(capsys: pytest.CaptureFixture[str]) -> None:
    """From the pushes of the platform to the state of the number."""
    called(X1, connected=False)
    called(X2, connected=True)
    assert watch.watch({}, Context())["moves"] == {"NumbersQuarantined": 1}
    number = numbers().get(X1)
    assert number
    assert (number.state, number.why) == (NumberState.QUARANTINED, "connected 0 of its last 20 calls")
    assert metric(capsys.readouterr().out, "NumbersQuarantined") == [{"value": 1.0}]


def test_a_pool_that_fails_keeps_no_other_from_being_measured_and_is_tried_again() -> None:
    class Broken:
        def run(self, application: Application) -> list[tuple[str, Move]]:
            if application.id == APPLICATION:
                raise RuntimeError("broken")
            return []

    numbers().put(active_number("+8617010000008", application="empty"), seen=None)
    load = ApplicationsSecret(clients.secrets(), "applications").load
    looked = PoolWatch(load, insight(load), cast(QuarantineLoop, Broken())).run(left=lambda: 60.0)
    assert [report.application for report in looked.reports] == ["empty"]
    assert looked.failed == (APPLICATION,)


def test_a_failed_look_raises_so_that_it_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: object, application: object) -> list[tuple[str, Move]]:
        raise RuntimeError("broken")

    monkeypatch.setattr(QuarantineLoop, "run", broken)
    with pytest.raises(watch.PoolsNotWatched):
        watch.watch({}, Context())


def insight(load: Any) -> PoolInsight:
    client = clients.dynamodb()
    return PoolInsight(numbers(), BindingStore(client, TABLE), BindingSearch(client, TABLE), load)


def test_a_large_pool_is_told_from_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """Counters of some numbers stand for all; states and cities are exact."""
    stand("ann", X1, X2, X3)
    monkeypatch.setattr(pool, "MOST_COUNTED", 1)
    monkeypatch.setattr(pool, "_PER_READ", 1)
    load = ApplicationsSecret(clients.secrets(), "applications").load
    report = insight(load).report(APPLICATION, deadline=within())
    assert report.sampled
    assert (report.total.bindings, report.total.active, len(report.busiest)) == (3, 3, 1)
    assert report.crowd.most == 3


def test_without_time_a_pool_is_told_from_what_was_read() -> None:
    stand("ann", X1)
    load = ApplicationsSecret(clients.secrets(), "applications").load
    report = insight(load).report(APPLICATION, deadline=within(0.0))
    assert (report.crowd.sampled, report.total.active) == (True, 3)


@pytest.mark.parametrize("path", [p for p in event_files() if function_of(p) == "PoolWatchFunction"], ids=str)
def test_the_sample_event_is_answered(path: Any) -> None:
    assert watch.watch(read_event(path), Context()) == {"pools": 1, "moves": {}}
