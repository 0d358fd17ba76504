"""The check tables of the APIs: for each row a way to break it, so that any two can be broken at once.

ax.md §2-§6, axb.md §2-§5, axe.md §2-§5, axyb.md §2-§4, recording-and-call-stop.md §2-§3.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from builders.contract import LEFT_OUT, UNKNOWN_ID, UNKNOWN_X, A, B, C, D, E, F, Json, Subject
from builders.contract_account import Control

NamedX = Literal["own", "foreign", "unknown"]


@dataclass
class Scene:
    """The state a request meets: which X it names, which rows are to be broken, what was bound."""

    subject: Subject
    rows: frozenset[int]
    named: NamedX = "own"
    foreign: str = ""
    control: Control | None = None
    subscription_id: str = UNKNOWN_ID

    @property
    def x(self) -> str:
        """The X the request names."""
        return {"own": self.subject.x, "foreign": self.foreign, "unknown": UNKNOWN_X}[self.named]

    @property
    def owner(self) -> Subject:
        """The application the X belongs to."""
        if self.named == "own":
            return self.subject
        if self.control is None:
            raise LookupError("only the emulator has a second application")
        return self.control.other(self.subject.mode)

    @property
    def bindable(self) -> bool:
        """Whether we can bind on the X: a foreign one only where we have its application, too."""
        return self.named == "own" or (self.named == "foreign" and self.control is not None)

    def console(self) -> Control:
        """The emulator's console."""
        if self.control is None:
            raise LookupError("this row needs the emulator's console")
        return self.control


Step = Callable[[Scene], object]


def nothing(scene: Scene) -> None:
    """No preparation."""


@dataclass(frozen=True)
class Breach:
    """One row broken. ``values`` change the request; ``bind`` comes before ``set_up``, settings before both.

    ``also`` are rows whose own preparation breaks this one as well, ``without`` rows it cannot be combined
    with. ``console`` says that only the emulator can be brought into that state.
    """

    row: int
    code: str
    values: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bind: Step = nothing
    set_up: Step = nothing
    named: NamedX = "own"
    also: frozenset[int] = frozenset()
    without: frozenset[int] = frozenset()
    http_status: int = 403

    @property
    def console(self) -> bool:
        """Whether it needs the emulator's console."""
        return bool(self.settings) or self.set_up is not nothing

    @property
    def outcome(self) -> tuple[int, str]:
        """What the platform answers."""
        return self.http_status, self.code


@dataclass(frozen=True)
class CheckTable:
    """All rows of one API, and the request they are broken in; ``base`` binds what it needs."""

    api: str
    base: Callable[[Scene], Json]
    rows: tuple[Breach, ...]

    def pairs(self) -> Iterator[tuple[Breach, ...]]:
        """Each row alone, and each two that can be broken at once, the earlier one first."""
        for place, first in enumerate(self.rows):
            yield (first,)
            for second in self.rows[place + 1 :]:
                if first.row != second.row and not {first.row, second.row} & (first.without | second.without):
                    yield first, second


def number_state(status: str) -> Step:
    """Put the X into a state; after everything was bound."""
    return lambda scene: scene.console().state(scene.x, status, "3" if status == "10" else None)


def no_recording(scene: Scene) -> None:
    """The application has no recording."""
    scene.console().application(scene.subject, recording=False)


def only(**settings: Any) -> Mapping[str, Mapping[str, Any]]:
    """Settings of the emulator that lower a limit."""
    return {"limits": settings}


BAD_VALUE = {"userData": "a" * 257}
RECORDED = {"recordFlag": "true", "recordHintTone": "rec.wav"}
DAILY = only(binds_per_number_per_day=1)
ONE_X = only(x_per_a=1)


def rows(*numbers: int) -> frozenset[int]:
    """Rows by number."""
    return frozenset(numbers)


def _bound_ax(scene: Scene) -> Json:
    if 3 not in scene.rows and scene.bindable:
        scene.subscription_id = scene.owner.bound(privateNum=scene.x)
    return {"privateNum": scene.x}


def _bound_axb(scene: Scene) -> Json:
    scene.subscription_id = scene.subject.bound()
    if 2 in scene.rows:
        scene.subject.unbind(subscriptionId=scene.subscription_id)
    return {"subscriptionId": scene.subscription_id}


def _bound_axe(scene: Scene) -> Json:
    if 3 not in scene.rows and scene.bindable:
        scene.subscription_id = scene.owner.bound(virtualNum=scene.x)
    return {"virtualNum": scene.x, "extendNum": "0007"}


def _ax_under_yb(scene: Scene) -> Json:
    scene.subscription_id = scene.subject.bound()
    return {"subscriptionId": scene.subscription_id, "origNum": B}


def _ended_ax(scene: Scene) -> None:
    scene.subject.unbind(subscriptionId=scene.subscription_id)


STATES_OF_A_BIND = tuple((status, number_state(status)) for status in ("9", "10", "11"))

TABLES: tuple[CheckTable, ...] = (
    CheckTable(
        "ax.bind",
        lambda scene: {"origNum": A, "privateNum": scene.x},
        (
            Breach(1, "1010002", BAD_VALUE),
            Breach(1, "1010002", {"privateNum": A}, without=rows(3, 4, 5, 8)),
            Breach(1, "1010002", {"privateNum": LEFT_OUT}, without=rows(3, 4, 5, 8)),
            Breach(2, "1012012", RECORDED, set_up=no_recording),
            Breach(3, "1011001", named="foreign"),
            Breach(3, "1011001", named="unknown", without=rows(4, 5)),
            *(Breach(4, "1012102", set_up=set_up) for _, set_up in STATES_OF_A_BIND),
            Breach(5, "1011005", bind=lambda scene: scene.owner.bound(origNum=D, privateNum=scene.x)),
            Breach(
                6,
                "1011003",
                settings=ONE_X,
                bind=lambda scene: scene.subject.bound(privateNum=scene.subject.numbers[1]),
            ),
            Breach(
                7,
                "1020178",
                settings=DAILY,
                bind=lambda scene: scene.subject.bound(privateNum=scene.subject.numbers[1]),
                also=rows(6),
            ),
            Breach(8, "1012008", {"privateNum": LEFT_OUT, "areaCode": "0999"}, without=rows(3, 4, 5)),
        ),
    ),
    CheckTable(
        "ax.unbind",
        _bound_ax,
        (
            Breach(1, "1010002", {"privateNum": LEFT_OUT}, without=rows(2)),
            Breach(2, "1011001", named="foreign"),
            Breach(2, "1011001", named="unknown", without=rows(3, 4)),
            Breach(3, "1011004"),
            Breach(4, "1012102", set_up=number_state("9")),
            Breach(4, "1012102", set_up=number_state("10")),
        ),
    ),
    CheckTable(
        "ax.modify",
        _bound_ax,
        (
            Breach(1, "1010002", {"maxDuration": 1441}),
            Breach(1, "1010002", {"privateNum": LEFT_OUT}, without=rows(2)),
            Breach(2, "1011001", named="foreign"),
            Breach(3, "1011004"),
            Breach(4, "1012102", set_up=number_state("9")),
            Breach(4, "1012102", set_up=number_state("10")),
            Breach(5, "1012012", RECORDED, set_up=no_recording),
            Breach(
                6,
                "1011003",
                {"origNum": D},
                settings=ONE_X,
                bind=lambda scene: scene.subject.bound(origNum=D, privateNum=scene.subject.numbers[1]),
            ),
        ),
    ),
    CheckTable(
        "ax.set_callee",
        lambda scene: {**_bound_ax(scene), "calleeNum": C},
        (
            Breach(1, "1010002", {"duration": 0}),
            Breach(1, "1010002", {"privateNum": LEFT_OUT}, without=rows(2)),
            Breach(2, "1011001", named="foreign"),
            Breach(3, "1011004"),
            Breach(4, "1012102", set_up=number_state("9")),
            Breach(4, "1012102", set_up=number_state("10")),
        ),
    ),
    CheckTable(
        "ax.query",
        lambda scene: {"privateNum": scene.x},
        (Breach(1, "1010002", {"privateNum": LEFT_OUT}, without=rows(2)), Breach(2, "1016001")),
    ),
    CheckTable(
        "axb.bind",
        lambda scene: {"callerNum": A, "calleeNum": B, "relationNum": scene.x},
        (
            Breach(1, "1010002", BAD_VALUE),
            Breach(1, "1010002", {"calleeNum": A}, without=rows(6)),
            Breach(2, "1012012", RECORDED, set_up=no_recording),
            Breach(3, "1012007", named="unknown", without=rows(4, 5, 6, 7)),
            Breach(4, "1012001", named="foreign"),
            *(Breach(5, "1012102", set_up=set_up) for _, set_up in STATES_OF_A_BIND),
            Breach(6, "1012010", bind=lambda scene: scene.owner.bound(calleeNum=C, relationNum=scene.x)),
            Breach(
                7,
                "1012009",
                settings=only(axb_pairs_per_x=1),
                bind=lambda scene: scene.owner.bound(callerNum=E, calleeNum=F, relationNum=scene.x),
                also=rows(6),
            ),
            Breach(
                8,
                "1020178",
                settings=DAILY,
                bind=lambda scene: scene.subject.bound(calleeNum=C, relationNum=scene.subject.numbers[1]),
                also=rows(6),
            ),
            Breach(
                9,
                "1012008",
                {"relationNum": LEFT_OUT, "areaCode": "0999"},
                without=rows(3, 4, 5, 6, 7),
            ),
        ),
    ),
    CheckTable(
        "axb.unbind",
        lambda scene: {"relationNum": scene.x},
        (
            Breach(1, "1010002", {"relationNum": LEFT_OUT}, without=rows(2, 3)),
            Breach(1, "1010002", {"relationNum": "123"}, without=rows(2, 3)),
            Breach(2, "1012001", named="foreign"),
            Breach(3, "1012007"),
            Breach(3, "1012007", named="unknown", without=rows(2)),
        ),
    ),
    CheckTable(
        "axb.modify",
        _bound_axb,
        (
            Breach(1, "1010002", {"maxDuration": 1441}),
            Breach(1, "1010002", {"subscriptionId": LEFT_OUT}, without=rows(2)),
            Breach(1, "1010002", {"calleeNum": A}, without=rows(2, 5)),
            Breach(2, "1012007"),
            Breach(3, "1012102", set_up=number_state("9")),
            Breach(3, "1012102", set_up=number_state("10")),
            Breach(4, "1012012", RECORDED, set_up=no_recording),
            Breach(
                5,
                "1012010",
                {"calleeNum": C},
                bind=lambda scene: scene.subject.bound(callerNum=C, calleeNum=D),
            ),
        ),
    ),
    CheckTable(
        "axb.query",
        lambda scene: {"relationNum": scene.x},
        (
            Breach(1, "1010002", {"relationNum": LEFT_OUT}, without=rows(2, 3)),
            Breach(2, "1012001", named="foreign"),
            Breach(3, "1012007"),
            Breach(3, "1012007", named="unknown", without=rows(2)),
        ),
    ),
    CheckTable(
        "axe.bind",
        lambda scene: {"bindNum": A, "virtualNum": scene.x, "extendNum": "0007"},
        (
            Breach(1, "1010002", BAD_VALUE),
            Breach(1, "1010002", {"callbackTone": "tone.wav", "callbackNum": B}),
            Breach(1, "1010002", {"extendNum": "7"}, without=rows(6)),
            Breach(1, "1010002", {"bindExpiredTime": 1, "callbackExpiredTime": 2}),
            Breach(1, "1010002", {"virtualNum": A}, without=rows(3, 4, 5, 6, 8)),
            Breach(1, "1010002", {"virtualNum": LEFT_OUT}, without=rows(3, 4, 5, 6, 8)),
            Breach(2, "1012012", RECORDED, set_up=no_recording),
            Breach(3, "1012001", named="foreign"),
            Breach(3, "1012001", named="unknown", without=rows(4, 5, 6)),
            *(Breach(4, "1012102", set_up=set_up) for _, set_up in STATES_OF_A_BIND),
            Breach(5, "1012010", bind=lambda scene: scene.owner.bound(virtualNum=scene.x, extendNum="0001")),
            Breach(6, "1020167", bind=lambda scene: scene.owner.bound(virtualNum=scene.x, bindNum=D)),
            Breach(
                7,
                "1020178",
                settings=DAILY,
                bind=lambda scene: scene.subject.bound(virtualNum=scene.subject.numbers[1]),
                also=rows(5),
            ),
            Breach(8, "1012008", {"virtualNum": LEFT_OUT, "areaCode": "0999"}, without=rows(3, 4, 5, 6)),
        ),
    ),
    *(
        CheckTable(
            api,
            _bound_axe,
            (
                Breach(1, "1010002", {"extendNum": LEFT_OUT}),
                Breach(1, "1010002", {"virtualNum": LEFT_OUT}, without=rows(2)),
                Breach(2, "1012001", named="foreign"),
                Breach(2, "1012001", named="unknown"),
                Breach(3, "1016001"),
            ),
        )
        for api in ("axe.unbind", "axe.query")
    ),
    CheckTable(
        "axe.modify",
        _bound_axe,
        (
            Breach(1, "1010002", {"callbackNum": "abc"}),
            Breach(1, "1010002", {"extendNum": LEFT_OUT}),
            Breach(1, "1010002", {"bindExpiredTime": 1, "callbackExpiredTime": 2}, without=rows(2, 3)),
            Breach(2, "1012001", named="foreign"),
            Breach(3, "1016001"),
            Breach(4, "1012102", set_up=number_state("9")),
            Breach(4, "1012102", set_up=number_state("10")),
            Breach(5, "1012012", RECORDED, set_up=no_recording),
        ),
    ),
    CheckTable(
        "axyb.bind",
        lambda scene: {"origNum": A, "areaCode": scene.subject.area},
        (
            Breach(1, "1010002", BAD_VALUE),
            Breach(1, "1010002", {"areaCode": LEFT_OUT}, without=rows(7)),
            Breach(2, "1012012", RECORDED, set_up=no_recording),
            Breach(5, "1011003", settings=ONE_X, bind=lambda scene: scene.subject.bound()),
            Breach(6, "1020178", settings=DAILY, bind=lambda scene: scene.subject.bound(), also=rows(5)),
            Breach(7, "1012008", {"areaCode": "0999"}),
        ),
    ),
    CheckTable(
        "axyb.bind_yb",
        _ax_under_yb,
        (
            Breach(1, "1010002", {"preVoiceY": "no good.wav"}),
            Breach(1, "1010002", {"origNum": LEFT_OUT}),
            Breach(1, "1010002", {"origNum": A}, without=rows(3, 4, 6)),
            Breach(3, "1016001", set_up=_ended_ax),
            Breach(4, "1016002", bind=lambda scene: scene.subject.yb(scene.subscription_id, B)),
            Breach(
                6,
                "1020178",
                settings=DAILY,
                bind=lambda scene: scene.subject.bound(origNum=B),
                also=rows(4),
            ),
            Breach(7, "1012008", {"areaCode": "0999"}),
        ),
    ),
    CheckTable(
        "axyb.unbind",
        lambda scene: {"subscriptionId": UNKNOWN_ID if 2 in scene.rows else scene.subject.bound()},
        (
            Breach(1, "1010002", {"subscriptionId": LEFT_OUT}, without=rows(2)),
            Breach(1, "1010002", {"yNum": "abc"}),
            Breach(1, "1010002", {"bNum": "+85212345678"}),
            Breach(2, "1016001"),
        ),
    ),
    CheckTable(
        "axyb.query",
        lambda scene: {"subscriptionId": UNKNOWN_ID},
        (Breach(1, "1010002", {"subscriptionId": LEFT_OUT}, without=rows(2)), Breach(2, "1016001")),
    ),
    CheckTable(
        "record.url",
        lambda scene: {"fileName": "no-such-file.wav", "recordDomain": "ostor.example.com"},
        (
            Breach(1, "1010002", {"fileName": LEFT_OUT}),
            Breach(1, "1010002", {"recordDomain": ""}),
            Breach(2, "1012012", set_up=no_recording),
            Breach(3, "1012007"),
        ),
    ),
    CheckTable(
        "call.stop",
        lambda scene: {"sessionid": "no-such-session", "signal": "call_stop"},
        (
            Breach(1, "1020001", {"signal": "stop"}, http_status=500),
            Breach(1, "1020001", {"sessionid": LEFT_OUT}, http_status=500),
            Breach(2, "1020152", http_status=500),
        ),
    ),
)


def scene_of(subject: Subject, broken: Sequence[Breach], control: Control | None) -> Scene:
    """The scene these rows are broken in; the most particular X any of them names."""
    named: NamedX = next((breach.named for breach in broken if breach.named != "own"), "own")
    numbers = frozenset(breach.row for breach in broken)
    return Scene(subject, numbers, named, subject.credentials.foreign or "", control)


def arranged(table: CheckTable, broken: Sequence[Breach], scene: Scene) -> Json:
    """Bring the platform into the state that breaks these rows; return the request that meets it."""
    limits = {name: value for breach in broken for name, value in breach.settings.get("limits", {}).items()}
    if limits:
        scene.console().settings(limits=limits)
    values = table.base(scene)
    for breach in broken:
        if not breach.also & scene.rows:
            breach.bind(scene)
    for breach in broken:
        breach.set_up(scene)
    for breach in broken:
        values |= breach.values
    return values
