"""What may keep a release from happening in time: where it strikes, whom it touches, how long it is felt."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from privatenumber.platform.pausing import RESUME
from storm.occasions import Window
from storm.plan import Fault
from storm.platform import x_numbers

Acted = tuple[datetime, str]
"""A moment at which a fault acted, and in which function."""

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
_UNWRITTEN: Final = frozenset({"function.crash", "function.timeout"})

_LASTING: Final[Mapping[str, tuple[timedelta, timedelta]]] = {
    "platform.lock_out": (timedelta(minutes=30), timedelta(minutes=30) + _BACK_OFF),
    "source.skipped": (_UNDER_WAY, timedelta(minutes=2)),
    "scheduler.outage": (_UNDER_WAY, timedelta(minutes=2)),
    "clock.skew": (_UNDER_WAY, timedelta(minutes=4)),
}
"""For how long after its end such a one still meets others, and for how long whom it met still feels it.

A pause after a lock-out lasts half an hour; who was refused meanwhile comes back after the longest pause
between two tries.
"""

_SUSPENDED: Final = timedelta(minutes=8)
"""Between two tries on a suspended number: five minutes, a quarter more, and a sweep."""

_BOUND_TO_X: Final = "AX"
"""Where the platform unbinds nobody from an X that is suspended (numbers.md §3)."""

_THAW: Final = timedelta(minutes=20)
"""A pause in arrears lasts ten minutes, and ten more when they are over (billing-rules.md §7)."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in the way of releases. ``mode``, ``x``: on that one only, None: on all. ``asked``: only of
    those that somebody asked for. ``echo``: so long after its end it still meets others; ``felt``: so long
    later whom it met is tried again at the latest.
    """

    what: str
    window: Window
    felt: timedelta
    echo: timedelta = _UNDER_WAY
    mode: str | None = None
    asked: bool = False
    x: str | None = None

    def touches(self, mode: str, x: str, *, asked: bool) -> bool:
        """Whether it can be in the way of a release."""
        return self.mode in (None, mode) and self.x in (None, x) and (asked or not self.asked)


def troubles_of(fault: Fault, window: Window, acted: Iterable[Acted]) -> Iterator[Trouble]:
    """What a fault was to releases that lasted, or acted at these moments; most are nothing to them."""
    moments = sorted(set(acted))
    if fault.kind in _LASTING and moments:
        echo, felt = _LASTING[fault.kind]
        yield Trouble(fault.kind, window, felt, echo)
        return
    if fault.kind == "number.suspended":
        of, nth = str(fault.params["mode"]), int(fault.params["nth"])
        if of == _BOUND_TO_X and moments:
            yield Trouble(fault.kind, window, _SUSPENDED, mode=of, x=x_numbers(of)[nth])
        return
    for at, function in moments:
        still_felt, mode = _point(fault)
        # Who sent too much keeps silent in everything for a minute, whatever he asked for.
        paused = fault.kind == "platform.flow_control"
        if still_felt is None or not (paused or function in _WORKERS | _ASKED):
            continue
        what = f"{fault.kind} in {function}"
        yield Trouble(what, (at, at), still_felt, mode=mode, asked=not paused and function in _ASKED)


def arrears_of(window: Window, answered: Mapping[str, Sequence[datetime]]) -> Iterator[Trouble]:
    """What arrears were to releases: an application learns from its first answer that they are over.

    ``answered`` is when the platform answered each mode's application, in order.
    """
    begins, paid = window
    for mode, moments in answered.items():
        learned = next_answer(moments, paid + RESUME) or paid
        yield Trouble("platform.arrears", (begins, learned), _THAW + 2 * _BACK_OFF, _THAW, mode)


def next_answer(moments: Sequence[datetime], since: datetime) -> datetime | None:
    """The first of the platform's answers from a moment on."""
    place = bisect_left(moments, since)
    return moments[place] if place < len(moments) else None


def _point(fault: Fault) -> tuple[timedelta | None, str | None]:
    """How long one that acts at a moment is felt, and in which mode only; None: it is nothing to releases."""
    if fault.kind.startswith(("table.", "function.")):
        return _CLAIM, None
    if fault.kind == "platform.no_connection":
        return _FIRST_TRY, None
    if fault.kind.startswith("platform."):
        mode, _, step = str(fault.params["api"]).partition(".")
        touches = step in _STEPS or fault.kind == "platform.flow_control"
        return (_FIRST_TRY if touches else None), mode.upper()
    return None, None


def lost_binds(fault: Fault, acted: Iterable[Acted]) -> Iterator[datetime]:
    """When a fault may have kept us from learning which AXYB the platform has just bound."""
    unheard = fault.kind in _UNHEARD and fault.params["api"] == "axyb.ax_bind"
    if unheard or fault.kind in _UNWRITTEN or fault.kind.startswith("table."):
        yield from sorted({at for at, function in acted if function in _BINDING})


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
