"""When a run that many workers share was last seen to go on."""

from datetime import timedelta

from builders.billing import utc
from privatenumber.store.close_runs import CloseRun

BEGUN = utc("2026-10-03 16:10:00")
NOW = BEGUN + timedelta(hours=2)


def run(moved_after: timedelta | None) -> CloseRun:
    moved = BEGUN + moved_after if moved_after else None
    return CloseRun("r", BEGUN, "2026-09", frozenset(), started_at=BEGUN, moved_at=moved)


def test_a_run_moved_when_its_last_day_was_done_else_when_it_began() -> None:
    assert run(timedelta(hours=1)).last_moved(NOW) == BEGUN + timedelta(hours=1)
    assert run(None).last_moved(NOW) == BEGUN


def test_a_worker_whose_clock_is_ahead_holds_no_sweep_back() -> None:
    assert run(timedelta(days=2)).last_moved(NOW) == BEGUN
