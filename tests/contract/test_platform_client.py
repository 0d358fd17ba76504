"""Our client against the emulator over real HTTP: both halves mean the same (axb.md, auth.md)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import pytest

from builders.emulator import APP_KEY, SECRET, X1, X2, A, B, C, D, RunningEmulator
from privatenumber.deadline import Deadline
from privatenumber.platform import errors
from privatenumber.platform.axb import AxbBind, AxbModify
from privatenumber.platform.client import MemoryPauses, PlatformClient, Urllib3Transport
from privatenumber.settings import Application, Mode
from privatenumber.signing import Scheme


@dataclass
class Side:
    """Our side of the wire, on the emulator's clock; waits are skipped."""

    emulator: RunningEmulator
    application: Application
    waits: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        now = self.emulator.admin.now
        self.client = PlatformClient(
            self.application,
            transport=Urllib3Transport(),
            pauses=MemoryPauses(now),
            clock=now,
            sleep=self.waits.append,
        )

    @property
    def deadline(self) -> Deadline:
        return Deadline.after(8)

    def bind(self, a: str = A, b: str = B, x: str = X1, duration: int = 3600) -> str:
        return self.client.axb.bind(
            AxbBind(a=a, b=b, x=x, duration=duration), deadline=self.deadline
        ).subscription_id

    def find(self, a: str = A, b: str = B, x: str = X1) -> str | None:
        row = self.client.axb.find(x, a, b, deadline=self.deadline)
        return row.subscription_id if row else None

    def unbind(self, subscription_id: str) -> None:
        self.client.axb.unbind(subscription_id, deadline=self.deadline)


@pytest.fixture
def side(emulator: RunningEmulator) -> Side:
    application = Application(
        id="demo",
        app_key=APP_KEY,
        secrets=(SECRET,),
        mode=Mode.AXB,
        base_url=emulator.address,
        scheme=Scheme.AKSK,
        callback_token="callback-token-0001",
    )
    return Side(emulator, application)


@pytest.mark.parametrize("scheme", list(Scheme))
def test_a_binding_lives_from_bind_to_release(side: Side, scheme: Scheme) -> None:
    """C-003, C-026, C-095: every operation, under either scheme."""
    side = Side(side.emulator, replace(side.application, scheme=scheme))
    subscription_id = side.bind()
    assert side.find() == subscription_id
    side.client.axb.modify(
        AxbModify(subscription_id=subscription_id, b=C, duration=60), deadline=side.deadline
    )
    assert (side.find(), side.find(b=C)) == (None, subscription_id)
    page = side.client.axb.query(subscription_id=subscription_id, deadline=side.deadline)
    assert [(row.x, row.a, row.b, row.duration) for row in page.rows] == [(X1, A, C, 60)]
    side.unbind(subscription_id)
    assert side.emulator.admin.bindings() == []


def test_every_field_of_a_bind_arrives(side: Side) -> None:
    """axb.md §2."""
    side.emulator.admin.application(recording=True)
    side.client.axb.bind(
        AxbBind(
            a=A,
            b=B,
            x=X1,
            direction=1,
            duration=7200,
            max_duration=60,
            record_flag=True,
            record_hint_tone="hint.wav",
            last_min_voice="last.wav",
            private_sms=False,
            user_data="order-1001",
        ),
        deadline=side.deadline,
    )
    row = side.client.axb.find(X1, A, B, deadline=side.deadline)
    assert row is not None
    assert (row.direction, row.duration, row.max_duration, row.user_data) == (1, 7200, 60, "order-1001")
    assert (row.record_flag, row.record_hint_tone, row.last_min_voice) == (True, "hint.wav", "last.wav")
    assert not row.private_sms


def test_a_query_turns_pages(side: Side) -> None:
    for last in range(10, 22):
        side.bind(f"+86138001380{last}", f"+86138001390{last}")
    pages = [
        side.client.axb.query(x=X1, page_index=index, page_size=10, deadline=side.deadline)
        for index in (1, 2)
    ]
    assert [(page.total_count, len(page.rows)) for page in pages] == [(12, 10), (12, 2)]


@pytest.mark.parametrize(
    ("mistake", "error"),
    [
        (lambda side: (side.bind(), side.bind()), errors.Conflict),
        (lambda side: (side.bind(), side.bind(C, A)), errors.Conflict),
        (lambda side: side.bind(x="+8617010009999"), errors.NotOwned),
        (lambda side: side.unbind("3f2b8c10-6a4d-4e57-9b21-000000000002"), errors.NotFound),
        (lambda side: (side.emulator.admin.number_status(X1, "9"), side.bind()), errors.NumberState),
        (lambda side: (side.emulator.admin.arrears(True), side.bind()), errors.Frozen),
        (
            lambda side: (
                side.emulator.admin.application("axKey", mode="AX"),
                Side(side.emulator, replace(side.application, app_key="axKey")).bind(),
            ),
            errors.WrongMode,
        ),
        (
            lambda side: Side(side.emulator, replace(side.application, secrets=("wrong",))).bind(),
            errors.AuthRefused,
        ),
        (
            lambda side: Side(side.emulator, replace(side.application, app_key="wrong")).bind(),
            errors.AuthRefused,
        ),
        (
            lambda side: Side(
                side.emulator, replace(side.application, base_url=side.application.base_url + "/wrong")
            ).bind(),
            errors.Invalid,
        ),
    ],
    ids=[
        "repeated bind",
        "party in the other role",
        "unknown X",
        "unknown id",
        "suspended X",
        "arrears",
        "other mode",
        "wrong secret",
        "wrong key",
        "wrong path",
    ],
)
def test_each_refusal_is_the_exception_we_document(
    side: Side, mistake: Callable[[Side], object], error: type[errors.PlatformError]
) -> None:
    """result-codes.md §6, C-028 to C-037."""
    with pytest.raises(error):
        mistake(side)


def test_a_bind_without_answer_is_unknown_and_found_by_query(side: Side) -> None:
    """result-codes.md §5: the platform did bind; nothing is bound twice."""
    side.emulator.admin.fault("timeout_after_success", match={"api": "axb.bind"}, params={"hold_s": 0})
    with pytest.raises(errors.UnknownOutcome):
        side.bind()
    assert side.find() is not None
    assert len(side.emulator.admin.bindings()) == 1


def test_a_bind_lost_on_its_way_is_unknown_and_not_found(side: Side) -> None:
    side.emulator.admin.fault("timeout_before", match={"api": "axb.bind"}, params={"hold_s": 0})
    with pytest.raises(errors.UnknownOutcome):
        side.bind()
    assert side.find() is None


def test_an_unreadable_success_of_a_bind_is_unknown(side: Side) -> None:
    side.emulator.admin.fault("garbage", match={"api": "axb.bind"})
    with pytest.raises(errors.UnknownOutcome):
        side.bind()


def test_a_release_without_answer_is_repeated_until_it_is_gone(side: Side) -> None:
    """U-D03: the repetition finds the binding gone, which is the final answer."""
    subscription_id = side.bind()
    side.emulator.admin.fault("timeout_after_success", match={"api": "axb.unbind"}, params={"hold_s": 0})
    with pytest.raises(errors.NotFound):
        side.unbind(subscription_id)
    assert side.emulator.admin.bindings() == []


def test_a_passing_fault_is_not_noticed_by_a_release(side: Side) -> None:
    subscription_id = side.bind()
    side.emulator.admin.fault("status", times=2, params={"http_status": 500, "code": "1010001"})
    side.unbind(subscription_id)
    assert len(side.waits) == 2


def test_flow_control_silences_the_client_for_a_minute(side: Side) -> None:
    """auth.md §5 and §11."""
    side.emulator.admin.fault("flow_control")
    with pytest.raises(errors.FlowControl):
        side.bind()
    asked = len(side.emulator.admin.requests(kind="request"))
    with pytest.raises(errors.NotSent):
        side.bind(C, D, X2)
    assert len(side.emulator.admin.requests(kind="request")) == asked
    side.emulator.admin.advance(60)
    assert side.bind(C, D, X2)
