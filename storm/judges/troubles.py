"""What may keep a release from happening in time: where it strikes, whom it touches, how long it is felt."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from storm.plan import Fault

Window = tuple[datetime, datetime]

PROMISE: Final = timedelta(minutes=5)
"""What `SweepLagAlarm` calls late."""

_UNDER_WAY: Final = timedelta(minutes=1)
_FIRST_TRY: Final = timedelta(minutes=3)
"""What failed once is repeated after half a minute, and a quarter more, by a sweep of each minute."""

_CLAIM: Final = timedelta(minutes=4)
"""A claim of a worker that died lasts eighty seconds; a sweep of each minute finds what is due again."""

_BACK_OFF: Final = timedelta(minutes=38)
"""The longest pause between two tries: half an hour, and a quarter more."""

_STEPS: Final = frozenset({"unbind", "query", "modify", "yb_bind"})
"""What is asked at the platform when something ends: what is under way is finished before."""

_WORKERS: Final = frozenset({"UnbindSweepFunction", "UnbindWorkerFunction"})
_ASKED: Final = frozenset({"BindingsFunction", "JobsWorkerFunction"})
"""They release what somebody asks them to release, and nothing that is only due."""

_BINDING: Final = frozenset({"BindingsFunction", "JobsWorkerFunction", "UnbindWorkerFunction"})
_UNHEARD: Final = frozenset({"platform.timeout_after_success", "platform.error_5xx_after_success"})

_LASTING: Final[Mapping[str, tuple[timedelta, timedelta]]] = {
    "platform.lock_out": (timedelta(minutes=30), timedelta(minutes=30) + _BACK_OFF),
    "platform.arrears": (timedelta(minutes=20), timedelta(minutes=20) + 2 * _BACK_OFF),
    "table.outage": (_UNDER_WAY, timedelta(minutes=8)),
    "table.throttled": (_UNDER_WAY, timedelta(minutes=8)),
    "table.conflicts": (_UNDER_WAY, timedelta(minutes=8)),
    "table.answer_lost": (_UNDER_WAY, timedelta(minutes=8)),
    "source.skipped": (_UNDER_WAY, timedelta(minutes=2)),
    "clock.skew": (_UNDER_WAY, timedelta(minutes=4)),
}
"""For how long after its end such a one still meets others, and for how long whom it met still feels it.

A pause after a lock-out lasts half an hour, one in arrears ten minutes and ten more when it is over; who was
refused meanwhile comes back after the longest pause between two tries.
"""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in the way of releases. ``mode``: of that mode only, None: of all. ``asked``: only of those
    that somebody asked for. ``echo``: so long after its end it still meets others; ``felt``: so long later
    whom it met is tried again at the latest.
    """

    what: str
    window: Window
    felt: timedelta
    echo: timedelta = _UNDER_WAY
    mode: str | None = None
    asked: bool = False

    def touches(self, mode: str, *, asked: bool) -> bool:
        """Whether it can be in the way of a release."""
        return self.mode in (None, mode) and (asked or not self.asked)


def troubles_of(fault: Fault, window: Window, moments: Sequence[datetime]) -> Iterator[Trouble]:
    """What a fault that acted at these moments, or that lasted, was to releases; most are nothing to them."""
    if not moments:
        return
    if fault.kind in _LASTING:
        echo, felt = _LASTING[fault.kind]
        yield Trouble(fault.kind, window, felt, echo)
    elif fault.kind.startswith("platform."):
        mode, _, step = str(fault.params["api"]).partition(".")
        of_all = fault.kind == "platform.no_connection"
        # Who sent too much keeps silent in everything for a minute.
        if of_all or fault.kind == "platform.flow_control" or step in _STEPS:
            for at in moments:
                yield Trouble(
                    f"{fault.kind} of {fault.params['api']}",
                    (at, at),
                    _FIRST_TRY,
                    mode=None if of_all else mode.upper(),
                )
    elif fault.kind.startswith("function.") and fault.params["function"] in _WORKERS | _ASKED:
        function = str(fault.params["function"])
        for at in moments:
            yield Trouble(f"{fault.kind} of {function}", (at, at), _CLAIM, asked=function in _ASKED)


def lost_binds(fault: Fault, window: Window, moments: Sequence[datetime]) -> Iterator[Window]:
    """When a fault may have kept us from learning which AXYB the platform has just bound."""
    unheard = fault.kind in _UNHEARD and fault.params["api"] == "axyb.ax_bind"
    died = fault.kind in ("function.crash", "function.timeout") and fault.params["function"] in _BINDING
    if fault.kind.startswith("table.") and moments:
        yield window
    elif unheard or died:
        yield from ((at, at) for at in moments)


def latest_release(
    troubles: Iterable[Trouble], due: datetime, released: datetime
) -> tuple[datetime, list[Trouble]]:
    """Until when a release has to have happened, and what was in its way: what met it before the promise was
    over, and what met it before it had recovered from that. ``troubles`` in order of their beginning.
    """
    until, met = due + PROMISE, list[Trouble]()
    for trouble in troubles:
        begins, ends = trouble.window
        if begins > min(until, released):
            break
        if ends + trouble.echo >= due:
            met.append(trouble)
            until = max(until, ends + trouble.felt + PROMISE)
    return until, met
