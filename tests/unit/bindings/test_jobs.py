"""Bulk jobs without a table: reading items, what outcomes mean, progress, pieces of a list."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builders.keyrings import KEYRING
from functions.bindings.problem_kinds import KINDS
from privatenumber.bindings import errors
from privatenumber.bindings.commands import BindCommand, Chooser
from privatenumber.bindings.jobs_items import read_bind, read_change, read_named
from privatenumber.bindings.jobs_model import JobState, Unreadable, open_task, seal_item
from privatenumber.bindings.jobs_outcomes import INTERNAL, NOT_BOUND, NOT_SETTLED, Failed, Wait, told
from privatenumber.bindings.jobs_report import progress
from privatenumber.bindings.jobs_sources import Listed, SourceChanged
from privatenumber.bindings.jobs_sweep import JobWork
from privatenumber.codes.results import Outcome, ResultCode, Retry
from privatenumber.platform.errors import AuthRefused, FlowControl, Invalid, PlatformError, TransientFault
from privatenumber.privacy import SealBroken, token
from privatenumber.store.job_rows import (
    CANCELLED,
    DONE,
    FAILED,
    LANES,
    PENDING,
    ItemRow,
    JobRow,
    LaneRow,
    item_item,
    job_item,
    lane_item,
    read_item,
    read_job,
    read_lane,
)

NOW = datetime(2026, 9, 2, 9, 0, tzinfo=UTC)
JOB = JobRow("j1", "bind", "ride", "running", 2, NOW, "system", "hash", 1, total=10, started_at=NOW)


def platform_error(kind: type[PlatformError], code: str = "1010001") -> PlatformError:
    result = ResultCode(403, code, "", "refused", "remedy", Retry.NEVER, Outcome.INVALID, frozenset())
    return kind("axb.bind", result)


class TestItems:
    def test_a_bind_is_read_as_the_single_route_reads_it(self) -> None:
        command = read_bind(
            {
                "order": "o-1",
                "a": "13800138001",
                "b": None,
                "ends_at": "2026-09-02T18:00:00+08:00",
                "fallback_areas": ["any"],
                "spread": "least_loaded",
                "sms": False,
            },
            application="ride",
            key="k",
        )
        assert (command.application, command.idempotency_key, command.b) == ("ride", "k", None)
        assert command.ends_at == datetime(2026, 9, 2, 10, 0, tzinfo=UTC)
        assert (command.fallback_areas, command.spread, command.sms) == (("any",), "least_loaded", False)

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"a": None}, "a"),
            ({"order": 7}, "order"),
            ({"ttl_seconds": True}, "ttl_seconds"),
            ({"ttl_seconds": 1.5}, "ttl_seconds"),
            ({"sms": 1}, "sms"),
            ({"ends_at": "2026-09-02T18:00:00"}, "ends_at"),
            ({"ends_at": "tomorrow"}, "ends_at"),
            ({"fallback_areas": "any"}, "fallback_areas"),
            ({"mode": "AXZ"}, "mode"),
            ({"application": "other"}, "application"),
            ({"idempotency_key": "mine"}, "idempotency_key"),
            ({"replaces": "b1"}, "replaces"),
            ({"+8613800138001": 1}, "(unknown field)"),
        ],
    )
    def test_a_field_that_cannot_be_read_is_named_without_its_value(
        self, change: dict[str, Any], field: str
    ) -> None:
        with pytest.raises(errors.InvalidRequest) as refused:
            read_bind({"order": "o", "a": "13800138001", **change}, application="ride", key="k")
        assert refused.value.field == field
        assert "13800138001" not in str(refused.value)

    def test_a_change_names_a_binding_and_something_to_change(self) -> None:
        assert read_change({"binding_id": "b1", "max_minutes": 5}) == ("b1", {"max_minutes": 5})
        for bad in ({"binding_id": "b1"}, {"max_minutes": 5}, {"binding_id": "B#1", "max_minutes": 5}):
            with pytest.raises(errors.InvalidRequest):
                read_change(bad)

    def test_a_release_names_a_binding_or_an_order(self) -> None:
        assert read_named({"binding_id": "b1"}) == ("b1", None)
        assert read_named({"order": "o-1"}) == (None, "o-1")
        for bad in ({}, {"binding_id": "b1", "order": "o"}, {"order": "13800138001"}, {"order": "x" * 65}):
            with pytest.raises(errors.InvalidRequest):
                read_named(bad)

    @given(st.text(max_size=60))
    def test_any_text_is_a_task_or_unreadable(self, text: str) -> None:
        row = ItemRow("j1", 3, PENDING, 1, 1, seal_item(KEYRING, "j1", 3, text))
        with suppress(Unreadable):
            assert isinstance(open_task(KEYRING, JOB, row).content, dict)

    def test_an_item_opens_in_its_own_place_only(self) -> None:
        row = ItemRow("j1", 4, PENDING, 1, 1, seal_item(KEYRING, "j1", 3, "{}"))
        with pytest.raises(SealBroken):
            open_task(KEYRING, JOB, row)


class TestOutcomes:
    @pytest.mark.parametrize(
        "error",
        [
            errors.InvalidRequest("a", "rule"),
            errors.PoolEmpty(errors.PoolReason.FULL),
            errors.OrderConflict("b1"),
            errors.PartyConflict("a"),
            errors.IdempotencyMismatch(),
            errors.BindingNotFound(),
            errors.PartnerNotFound(),
            errors.StateConflict("CLOSED", "it has ended"),
            errors.BindRefused(platform_error(Invalid), "b1"),
        ],
        ids=lambda error: type(error).__name__,
    )
    def test_what_is_said_of_the_item_fails_it_by_a_name_that_the_api_knows(
        self, error: errors.BindingError
    ) -> None:
        outcome = told(error)
        assert isinstance(outcome, Failed)
        assert outcome.kind in KINDS
        json.dumps(outcome.problem)

    def test_names_that_only_jobs_have_are_no_others(self) -> None:
        assert not {NOT_BOUND, NOT_SETTLED} & KINDS.keys()
        assert INTERNAL in KINDS

    @pytest.mark.parametrize(
        ("error", "paused"),
        [
            (errors.PlatformPaused(NOW, platform_error(FlowControl)), True),
            (errors.BindRefused(platform_error(AuthRefused), "b1"), True),
            (errors.BindRefused(platform_error(TransientFault), "b1"), True),
            (errors.Busy(), False),
            (errors.StateConflict("REQUESTED", "not yet", retry_after_s=30), False),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_says_nothing_about_the_item_lets_it_wait(
        self, error: errors.BindingError, paused: bool
    ) -> None:
        outcome = told(error)
        assert isinstance(outcome, Wait)
        assert outcome.paused is paused

    def test_an_error_that_nobody_foresaw_is_no_outcome(self) -> None:
        with pytest.raises(errors.BindingError):
            told(errors.BindingError("new"))


class TestProgress:
    def lanes(self, **counts: int) -> list[LaneRow]:
        return [LaneRow("j1", 0, counts, 1)]

    def test_a_guess_of_the_end_comes_from_what_was_done(self) -> None:
        found = progress(JOB, self.lanes(pending=6, done=3, failed=1), NOW + timedelta(seconds=8))
        assert (found.per_second, found.ends_at) == (0.5, NOW + timedelta(seconds=20))
        assert found.state is JobState.RUNNING

    def test_without_anything_done_there_is_none(self) -> None:
        found = progress(JOB, self.lanes(pending=10), NOW)
        assert (found.per_second, found.ends_at) == (None, None)

    def test_a_job_is_over_with_its_last_item(self) -> None:
        assert progress(JOB, self.lanes(done=10), NOW).state is JobState.FINISHED
        cancelling = JobRow(**{**vars_of(JOB), "state": "cancelling"})
        assert progress(cancelling, self.lanes(done=1, cancelled=9), NOW).state is JobState.CANCELLED

    def test_items_are_pending_while_they_are_found(self) -> None:
        planning = JobRow(**{**vars_of(JOB), "state": "planning", "started_at": None})
        assert progress(planning, [], NOW).counts == {PENDING: 10, DONE: 0, FAILED: 0, CANCELLED: 0}


class TestPieces:
    @given(st.integers(0, 400))
    def test_a_list_is_given_piece_by_piece_to_its_end(self, size: int) -> None:
        source = Listed([str(n) for n in range(size)], "mark")
        given_items: list[str] = []
        cursor: str | None = None
        while True:
            batch = source.after(cursor)
            given_items += batch.items
            cursor = batch.cursor
            if cursor is None:
                break
        assert given_items == [str(n) for n in range(size)]

    def test_another_list_is_not_gone_on_with(self) -> None:
        cursor = Listed(["x"] * 200, "one").after(None).cursor
        with pytest.raises(SourceChanged):
            Listed(["y"] * 200, "two").after(cursor)


class TestRows:
    def test_rows_come_back_as_they_were_written(self) -> None:
        job = JobRow(**{**vars_of(JOB), "due_at": NOW, "reason": "over", "sealed": b"s", "cursor": "end"})
        lane = LaneRow("j1", 5, {PENDING: 1, DONE: 2, FAILED: 3, CANCELLED: 4}, 9, 7, NOW, NOW)
        item = ItemRow(
            "j1", 13, DONE, 4, 9, b"s", True, 2, 3, NOW, NOW, "b1", {"kind": "x"}, {"outcome": "y"}, NOW
        )
        assert read_job(job_item(job)) == job
        assert read_lane(lane_item(lane)) == lane
        assert read_item(item_item(item)) == item

    def test_items_are_dealt_out_evenly(self) -> None:
        partitions = {item_item(ItemRow("j1", n, PENDING, 1, 1, b""))["pk"] for n in range(100)}
        assert len(partitions) == LANES

    def test_a_job_id_never_looks_like_a_mobile_number(self) -> None:
        """An id stands in logs and paths; its alphabet has no 1 that a mobile number begins with."""
        for _ in range(200):
            assert "1" not in token(KEYRING, str(random.random()), purpose="job")

    def test_a_message_is_read_back_and_a_strange_one_refused(self) -> None:
        for work in (JobWork("j1"), JobWork("j1", 0, 4)):
            assert JobWork.from_body(work.to_body()) == work
        for body in ("{}", "[]", "null", '{"binding_id": "b1", "as_of": "x"}'):
            with pytest.raises(ValueError, match="not a message of jobs"):
                JobWork.from_body(body)


def vars_of(row: JobRow) -> dict[str, Any]:
    return {name: getattr(row, name) for name in JobRow.__slots__}


def test_an_item_of_a_job_may_say_whatever_a_bind_may() -> None:
    """What only `POST /bindings` knew would be missed by who binds thousands."""
    ours = {"application", "idempotency_key", "replaces"}
    said: dict[str, Any] = {one.name: "x" for one in fields(BindCommand) if one.name not in ours}
    said |= dict.fromkeys(
        ("ttl_seconds", "idle_seconds", "release_wait_seconds", "direction", "max_minutes"), 60
    )
    said |= dict.fromkeys(("anyone", "sms", "fallback_any_area"), True)
    said |= {"chosen_by": "platform", "spread": "least_loaded", "sticky": "prefer", "mode": "AXB"}
    said |= {"fallback_areas": ["any"], "ends_at": "2026-09-01T08:00:00Z"}
    read = read_bind(said, application="ride", key="k")
    assert (read.chosen_by, read.release_wait_seconds) == (Chooser.PLATFORM, 60)
