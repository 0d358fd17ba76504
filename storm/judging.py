"""All judges over one world that has come to rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from privatenumber.bindings.model import Binding
from privatenumber.bindings.records import from_item
from privatenumber.privacy import Keyring
from storm.deals import Deal
from storm.deployment import TABLES
from storm.evidence import musts_of, seen_in, struck_in
from storm.judges.alarms import judge_alarms
from storm.judges.bills import judge_bills
from storm.judges.cloudwatch import read_alarms
from storm.judges.console import judge_import, judge_reconciliation
from storm.judges.drained import judge_drained
from storm.judges.erasure import judge_erasure
from storm.judges.exports import judge_exports
from storm.judges.facts import Entry, entries_in, judge_facts, judge_numbers
from storm.judges.jobs import judge_jobs
from storm.judges.privacy import readable
from storm.judges.recordings import Links, judge_recordings
from storm.judges.statistics import judge_days, judge_statistics
from storm.judges.stories import judge_stories
from storm.judges.strikes import judge_strikes
from storm.judges.told import judge_told
from storm.judges.verdict import Verdict
from storm.judges.worklist import judge_settled, judge_worklist
from storm.lives import judge_lives
from storm.orders import Order, orders_of
from storm.pool_gauge import SCARCE_PERCENT
from storm.receiver import MODE
from storm.world import World


def judge(world: World) -> list[Verdict]:
    """Every verdict, in the order in which the report shows them.

    Raises RuntimeError when the rows that are judged are not those of the tables.
    """
    _look_at_tables(world)
    keyring = world.keyring()
    bindings_table, bills = world.tables.table("BindingsTable"), world.tables.table("BillsTable")
    bindings = [from_item(row, keyring) for (_, sk), row in bindings_table.items() if sk == "BINDING"]
    by_id = {one.id: one for one in bindings}
    deals, now = world.business.deals, world.emulator.scheduler.now()
    orders = orders_of(world.plan)
    struck = list(struck_in(world))
    operators = world.operators
    verdicts = [
        *judge_lives(world, bindings, keyring),
        judge_jobs(world.business.bulks.jobs, bindings, sum(bool(one.mates) for one in orders)),
        _judge_facts(world, keyring),
        judge_stories(world.emulator, bills, keyring),
        judge_erasure(
            world.tables.rows,
            keyring,
            operators.forgotten,
            operators.erased,
            *_entries(world, keyring),
            planned=any(fault.kind == "push.batched" for fault in world.plan.faults),
        ),
        _judge_statistics(world, bindings, keyring),
        judge_exports(world.exporters.wanted, bills, world.files.get),
        judge_told(bindings, bills, world.receiver.taken, planned=any(one.mode == MODE for one in orders)),
        judge_recordings(
            world.emulator, bills, world.files, keyring, _links(world), _asked(orders, deals, by_id)
        ),
        judge_worklist(world.emulator, bills, keyring, _subscriptions(bindings), now),
        judge_drained(
            world.streams.waiting(),
            world.streams.put_aside,
            {queue.name: len(queue.messages) for queue in world.queues.all.values()},
            world.logs.tail,
        ),
    ]
    bound = {one.subscription_id: one.order for one in bindings if one.subscription_id}
    verdicts += _judge_money(world, bills, bound)
    world.privacy.look("an answer of the API", world.business.told)
    _look_for_people(world)
    declared = read_alarms(world.lambdas.alarms(), {"PoolAlarmPercent": str(SCARCE_PERCENT)})
    verdicts += [
        world.privacy.verdict,
        judge_alarms(declared, world.logs.points, seen_in(world, struck), musts_of(world, struck)),
        judge_strikes(world.plan, world.weather.occasions),
    ]
    _watch_once_more(world, next(one for one in verdicts if one.name == "worklist"))
    _look_at_tables(world)
    return verdicts


def _watch_once_more(world: World, worklist: Verdict) -> None:
    """Look at every open case once more, when the last of them is due: what it lacked was imported."""
    bills = world.tables.table("BillsTable")
    due = [row["due_at"] for row in bills.values() if row.get("kind") == "case" and "due_at" in row]
    if due:
        world.lambdas.invoke("WatchFunction", {"scheduled_time": max(due)})
        judge_settled(worklist, bills)


def _look_for_people(world: World) -> None:
    """In whatever stands in the tables, and in the names of all files that ever stood there."""
    for name in TABLES:
        rows = world.tables.table(name).values()
        world.privacy.look(f"a row of {name}", (" ".join(readable(row)) for row in rows))
    world.privacy.look("the name of a file", [*world.files.written, *world.files.stored])
    exported = (world.files.get(one.file) for one in world.exporters.wanted)
    world.privacy.look("an export", (body.decode() for body in exported if body))


def _look_at_tables(world: World) -> None:
    """What is judged is a shadow of the tables: it has to be theirs. An error of the storm, else."""
    if wrong := world.tables.compare(TABLES):
        raise RuntimeError(f"{len(wrong)} rows of the tables are others than was seen written: {wrong[:20]}")


def _judge_statistics(world: World, bindings: list[Binding], keyring: Keyring) -> Verdict:
    operators, rows = world.operators, world.tables.rows
    verdict = judge_statistics(world.emulator, rows["BillsTable"], keyring, bindings, operators.counted)
    judge_days(verdict, operators.days, rows)
    return verdict


def _entries(world: World, keyring: Keyring) -> tuple[list[Entry], list[Entry]]:
    """What the platform pushed, and what of it we answered 200."""
    pushed = [(push.app_key, push.body) for push in world.emulator.pusher.log]
    sent, taken = (
        [entry for key, body in pushes for entry in entries_in(key, body, keyring)]
        for pushes in (pushed, world.acknowledged)
    )
    return sent, taken


def _subscriptions(bindings: list[Binding]) -> frozenset[str]:
    return frozenset(one.subscription_id for one in bindings if one.subscription_id)


def _judge_facts(world: World, keyring: Keyring) -> Verdict:
    """Facts as they were told, and the pool as they say."""
    operators, tables = world.operators, world.tables
    gone = (operators.forgotten or "", operators.erasure or "")
    bills = tables.table("BillsTable")
    verdict = judge_facts(world.emulator, world.acknowledged, bills, keyring, gone)
    returned = frozenset(world.weather.console.returned)
    for wrong in judge_numbers(tables.table("BindingsTable"), bills, returned):
        verdict.broken(wrong)
    return verdict


def _judge_money(world: World, bills: Mapping[Any, Any], bound: Mapping[str, str]) -> list[Verdict]:
    def run(event: Mapping[str, Any]) -> Any:
        document = world.lambdas.invoke("BillingFunction", event).result
        world.privacy.hear("a document of billing", json.dumps(document, default=str))
        return document

    keyring = world.keyring()
    return [
        judge_bills(world.emulator, bills, keyring, bound, run),
        judge_reconciliation(world.emulator, bills, keyring, world.files.stored, run),
        judge_import(world.emulator, bills, keyring, bound, world.files.stored, run),
    ]


def _links(world: World) -> Links:
    def ask(application: str, session: str) -> list[Mapping[str, Any]]:
        answer = world.business.ask(
            "GET /recordings/{session}",
            path={"session": quote(session, safe="")},
            query={"application": application},
            function="RecordingsReadFunction",
        )
        found: list[Mapping[str, Any]] = answer.body.get("recordings", [])
        return found

    return ask


def _asked(
    orders: Sequence[Order], deals: Iterable[Deal], by_id: Mapping[str, Binding]
) -> frozenset[str] | None:
    """The platform's ids of bindings whose calls are to be recorded, None when no order plans such a call."""
    if not any(map(_recorded, orders)):
        return None
    bound = (by_id.get(deal.binding_id or "") for deal in deals if deal.order.recorded)
    return frozenset(one.subscription_id for one in bound if one and one.subscription_id)


def _recorded(order: Order) -> bool:
    """Whether the plan has a call of it that is recorded: answered, and before anybody releases it."""
    released_s = min((act.after_s for act in order.acts if act.kind == "release"), default=order.life_s)
    return order.recorded and any(
        act.kind == "call" and act.params["outcome"] == "answered" and float(act.params["talk_s"]) > 0
        and act.after_s < released_s
        for act in order.acts
    )  # fmt: skip
