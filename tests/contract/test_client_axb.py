"""The real client and an emulator that misbehaves or is strict (result-codes.md §2, §5)."""

from __future__ import annotations

from typing import Any

import pytest

from builders.emulator import APP_KEY, SECRET, X1, A, B, RunningEmulator
from privatenumber.deadline import Deadline
from privatenumber.platform.axb import AxbBind, AxbModify
from privatenumber.platform.client import PlatformClient
from privatenumber.platform.errors import (
    AuthRefused,
    NotSent,
    TransientFault,
    UnknownOutcome,
)
from privatenumber.platform.pausing import MemoryPauses
from privatenumber.platform.transport import Urllib3Transport
from privatenumber.settings import Application, Mode
from privatenumber.signing import Scheme


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


@pytest.mark.parametrize("params", [{"drop": True}, {"hold_s": 30}])
def test_a_lost_answer_to_a_bind_is_unknown_and_found_afterwards(
    emulator: RunningEmulator, client: PlatformClient, params: dict[str, Any]
) -> None:
    """result-codes.md §5: looked up by X, A and B, and bound exactly once."""
    emulator.admin.fault("timeout_after_success", match={"api": "axb.bind"}, params=params)
    with pytest.raises(UnknownOutcome):
        client.axb.bind(a_bind(), deadline=soon(1))
    row = client.axb.find(X1, A, B, deadline=soon())
    assert row is not None
    assert [binding["subscription_id"] for binding in emulator.admin.bindings()] == [row.subscription_id]
    assert emulator.admin.counts()["axb.bind"] == {"no answer": 1}


def test_an_internal_error_makes_a_bind_unknown(emulator: RunningEmulator, client: PlatformClient) -> None:
    emulator.admin.fault("status", params={"http_status": 500, "code": "1023002", "execute": True})
    with pytest.raises(UnknownOutcome):
        client.axb.bind(a_bind(), deadline=soon())
    assert emulator.admin.counts()["axb.bind"] == {"1023002": 1}


def test_a_query_is_repeated_after_a_short_failure(emulator: RunningEmulator, client: PlatformClient) -> None:
    client.axb.bind(a_bind(), deadline=soon())
    emulator.admin.fault("status", times=2, match={"api": "axb.query"}, params={"http_status": 503})
    assert client.axb.find(X1, A, B, deadline=soon(20)) is not None


def test_a_lasting_failure_of_a_query_is_a_transient_fault(
    emulator: RunningEmulator, client: PlatformClient
) -> None:
    emulator.admin.fault("status", times=None, params={"http_status": 500, "code": "1023001"})
    with pytest.raises(TransientFault):
        client.axb.find(X1, A, B, deadline=soon(20))


def test_a_wrong_secret_is_tried_once(emulator: RunningEmulator) -> None:
    """auth.md §5: continued failures would lock the address."""
    client = client_of(emulator, secrets=("another-secret",))
    with pytest.raises(AuthRefused):
        client.axb.bind(a_bind(), deadline=soon())
    with pytest.raises(NotSent):
        client.axb.bind(a_bind(), deadline=soon())
    assert emulator.admin.counts()["axb.bind"] == {"1010010": 1}


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
    bound = client.axb.bind(wish, deadline=soon())
    client.axb.modify(AxbModify(subscription_id=bound.subscription_id, duration=60), deadline=soon())
    row = client.axb.find(X1, A, B, deadline=soon())
    assert row is not None
    assert (row.duration, row.record_flag, row.private_sms) == (60, True, False)
    client.axb.unbind(bound.subscription_id, deadline=soon())
