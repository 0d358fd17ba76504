"""The real client against the emulator: both halves agree (auth.md §5, result-codes.md §5, §6)."""

from __future__ import annotations

from typing import Any

import pytest

from builders.emulator import APP_KEY, SECRET, X1, X2, A, B, C, D, RunningEmulator
from privatenumber.platform.axb import AxbBind, AxbModify
from privatenumber.platform.client import PlatformClient
from privatenumber.platform.errors import (
    AuthRefused,
    Conflict,
    FlowControl,
    Frozen,
    NoRecording,
    NoResource,
    NotFound,
    NotOwned,
    NotSent,
    NumberState,
    PlatformError,
    TransientFault,
    UnknownOutcome,
)
from privatenumber.platform.pausing import MemoryPauses
from privatenumber.platform.transport import Deadline, Urllib3Transport
from privatenumber.settings import Application, Mode
from privatenumber.signing import Scheme

OTHER_KEY = "demoAppKey0000000000000002"
FOREIGN_X = "+8617010000009"


def soon(seconds: float = 5) -> Deadline:
    return Deadline.after(seconds)


def client_of(emulator: RunningEmulator, **changes: Any) -> PlatformClient:
    fields: dict[str, Any] = {
        "id": "shop",
        "app_key": APP_KEY,
        "secrets": (SECRET,),
        "mode": Mode.AXB,
        "base_url": emulator.address,
        "scheme": Scheme.AKSK,
        "callback_token": "a-callback-token-of-the-tests",
        "proxy_url": None,
        **changes,
    }
    clock = emulator.admin.now
    return PlatformClient(
        Application(**fields),
        transport=Urllib3Transport(),
        pauses=MemoryPauses(clock),
        clock=clock,
        sleep=lambda seconds: None,
    )


@pytest.fixture
def client(emulator: RunningEmulator) -> PlatformClient:
    return client_of(emulator)


def a_bind(**changes: Any) -> AxbBind:
    return AxbBind(**{"a": A, "b": B, "x": X1, "duration": 7200, **changes})


@pytest.mark.parametrize("scheme", list(Scheme))
def test_bind_query_modify_unbind(emulator: RunningEmulator, scheme: Scheme) -> None:
    """C-003, C-026, C-027; both schemes."""
    client = client_of(emulator, scheme=scheme)
    bound = client.bind_axb(a_bind(user_data="order-1", max_duration=60), deadline=soon())
    assert (bound.x, bound.duration, bound.max_duration, bound.direction) == (X1, 7200, 60, 0)
    row = client.find_axb(X1, A, B, deadline=soon())
    assert row is not None
    assert (row.subscription_id, row.user_data) == (bound.subscription_id, "order-1")
    client.modify_axb(AxbModify(subscription_id=bound.subscription_id, b=C), deadline=soon())
    assert client.find_axb(X1, A, B, deadline=soon()) is None
    client.unbind_axb(bound.subscription_id, deadline=soon())
    assert emulator.admin.bindings() == []


def test_a_release_that_is_done_already_is_not_found(client: PlatformClient) -> None:
    bound = client.bind_axb(a_bind(), deadline=soon())
    client.unbind_axb(bound.subscription_id, deadline=soon())
    with pytest.raises(NotFound):
        client.unbind_axb(bound.subscription_id, deadline=soon())


@pytest.mark.parametrize("params", [{"drop": True}, {"hold_s": 30}])
def test_a_lost_answer_to_a_bind_is_unknown_and_found_afterwards(
    emulator: RunningEmulator, client: PlatformClient, params: dict[str, Any]
) -> None:
    """result-codes.md §5: looked up by X, A and B, and bound exactly once."""
    emulator.admin.fault("timeout_after_success", match={"api": "axb.bind"}, params=params)
    with pytest.raises(UnknownOutcome):
        client.bind_axb(a_bind(), deadline=soon(1))
    row = client.find_axb(X1, A, B, deadline=soon())
    assert row is not None
    assert [binding["subscription_id"] for binding in emulator.admin.bindings()] == [row.subscription_id]
    assert emulator.admin.counts()["axb.bind"] == {"no answer": 1}


def test_a_bind_that_never_happened_is_unknown_and_not_found(
    emulator: RunningEmulator, client: PlatformClient
) -> None:
    emulator.admin.fault("timeout_before", match={"api": "axb.bind"}, params={"drop": True})
    with pytest.raises(UnknownOutcome):
        client.bind_axb(a_bind(), deadline=soon())
    assert client.find_axb(X1, A, B, deadline=soon()) is None


def test_a_success_nobody_can_read_is_unknown(emulator: RunningEmulator, client: PlatformClient) -> None:
    emulator.admin.fault("garbage", match={"api": "axb.bind"})
    with pytest.raises(UnknownOutcome):
        client.bind_axb(a_bind(), deadline=soon())
    assert client.find_axb(X1, A, B, deadline=soon()) is not None


def test_an_internal_error_makes_a_bind_unknown(emulator: RunningEmulator, client: PlatformClient) -> None:
    emulator.admin.fault("status", params={"http_status": 500, "code": "1023002", "execute": True})
    with pytest.raises(UnknownOutcome):
        client.bind_axb(a_bind(), deadline=soon())
    assert emulator.admin.counts()["axb.bind"] == {"1023002": 1}


def test_a_release_is_repeated_after_a_lost_answer(emulator: RunningEmulator, client: PlatformClient) -> None:
    bound = client.bind_axb(a_bind(), deadline=soon())
    emulator.admin.fault("timeout_after_success", match={"api": "axb.unbind"}, params={"drop": True})
    with pytest.raises(NotFound):
        client.unbind_axb(bound.subscription_id, deadline=soon())
    assert emulator.admin.bindings() == []


def test_a_query_is_repeated_after_a_short_failure(emulator: RunningEmulator, client: PlatformClient) -> None:
    client.bind_axb(a_bind(), deadline=soon())
    emulator.admin.fault("status", times=2, match={"api": "axb.query"}, params={"http_status": 503})
    assert client.find_axb(X1, A, B, deadline=soon(20)) is not None


def test_a_lasting_failure_of_a_query_is_a_transient_fault(
    emulator: RunningEmulator, client: PlatformClient
) -> None:
    emulator.admin.fault("status", times=None, params={"http_status": 500, "code": "1023001"})
    with pytest.raises(TransientFault):
        client.find_axb(X1, A, B, deadline=soon(20))


def prepare(emulator: RunningEmulator, case: str) -> None:
    admin = emulator.admin
    match case:
        case "foreign":
            admin.application(OTHER_KEY)
            admin.numbers(FOREIGN_X, app_key=OTHER_KEY)
        case "suspended":
            admin.number_status(X1, "9")
        case "arrears":
            admin.arrears(True)
        case "no recording":
            admin.application(recording=False)


@pytest.mark.parametrize(
    ("case", "bind", "error"),
    [
        ("", a_bind(x="+8617010000077"), NotOwned),
        ("foreign", a_bind(x=FOREIGN_X), NotOwned),
        ("suspended", a_bind(), NumberState),
        ("arrears", a_bind(), Frozen),
        ("no recording", a_bind(record_flag=True, record_hint_tone="rec.wav"), NoRecording),
        ("", a_bind(x=None, area_code="010"), NoResource),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_refusal_is_an_exception_of_its_own(
    emulator: RunningEmulator, client: PlatformClient, case: str, bind: AxbBind, error: type[PlatformError]
) -> None:
    """result-codes.md §6."""
    prepare(emulator, case)
    with pytest.raises(error):
        client.bind_axb(bind, deadline=soon())


def test_a_party_that_stands_there_already_is_a_conflict(client: PlatformClient) -> None:
    client.bind_axb(a_bind(), deadline=soon())
    with pytest.raises(Conflict):
        client.bind_axb(a_bind(b=C), deadline=soon())
    assert client.bind_axb(a_bind(b=C, x=X2), deadline=soon()).x == X2


def test_flow_control_pauses_the_application(emulator: RunningEmulator, client: PlatformClient) -> None:
    emulator.admin.fault("flow_control")
    with pytest.raises(FlowControl):
        client.bind_axb(a_bind(), deadline=soon())
    with pytest.raises(NotSent):
        client.bind_axb(a_bind(), deadline=soon())
    emulator.admin.advance(61)
    assert client.bind_axb(a_bind(), deadline=soon()).x == X1


def test_a_wrong_secret_is_tried_once(emulator: RunningEmulator) -> None:
    """auth.md §5: continued failures would lock the address."""
    client = client_of(emulator, secrets=("another-secret",))
    with pytest.raises(AuthRefused):
        client.bind_axb(a_bind(), deadline=soon())
    with pytest.raises(NotSent):
        client.bind_axb(a_bind(), deadline=soon())
    assert emulator.admin.counts()["axb.bind"] == {"1010010": 1}


def test_a_page_of_bindings_is_read(emulator: RunningEmulator, client: PlatformClient) -> None:
    for a, b in ((A, B), (C, D)):
        client.bind_axb(a_bind(a=a, b=b), deadline=soon())
    page = client.query_axb(x=X1, deadline=soon())
    assert (page.total_count, [row.a for row in page.rows]) == (2, [A, C])


def test_everything_the_client_sends_passes_the_strict_platform(emulator: RunningEmulator) -> None:
    emulator.admin.reset(settings={"strictness": "strict"})
    emulator.admin.application()
    emulator.admin.numbers(X1)
    client = client_of(emulator)
    wish = a_bind(
        user_data="order-1",
        record_flag=True,
        record_hint_tone="rec.wav",
        last_min_voice="last.wav",
        max_duration=5,
        private_sms=False,
    )
    bound = client.bind_axb(wish, deadline=soon())
    client.modify_axb(AxbModify(subscription_id=bound.subscription_id, duration=60), deadline=soon())
    row = client.find_axb(X1, A, B, deadline=soon())
    assert row is not None
    assert (row.duration, row.record_flag, row.private_sms) == (60, True, False)
    client.unbind_axb(bound.subscription_id, deadline=soon())
