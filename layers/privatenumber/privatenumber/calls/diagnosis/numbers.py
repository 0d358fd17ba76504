"""What the state of X and of the account say about a call or text (notifications.md §7, numbers.md §3)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from privatenumber.calls.diagnosis.bindings import x_of
from privatenumber.calls.diagnosis.case import Around, StateTold
from privatenumber.calls.diagnosis.model import Confidence, Evidence, Finding
from privatenumber.calls.diagnosis.words import beijing
from privatenumber.codes.number_states import number_cause, number_state
from privatenumber.codes.texts import Text

_NORMAL, _SUSPENDED, _UNAVAILABLE = "5", "9", "10"
_FROZEN: Final = "frozen"


def number_refused(around: Around, contact: Text) -> Iterator[Finding]:
    """X served nothing: by the last state that was told, or by one that came just after."""
    told = next((state for state in (around.state, around.state_after) if _serves_nothing(state)), None)
    values = {"x": x_of(around), "contact": contact}
    if told is None:
        evidence = state_evidence(around.state) if around.state else ()
        yield Finding("number.unknown_state", values, evidence, Confidence.LIKELY)
        return
    values |= {"told": beijing(told.at)}
    if told.status == _SUSPENDED:
        yield Finding("number.suspended", values, state_evidence(told))
        return
    cause = number_cause(told.cause) if told.cause else number_state(_UNAVAILABLE).texts
    values |= {"cause": cause.meaning, "remedy": cause.remedy}
    yield Finding("number.unavailable", values, state_evidence(told))


def impaired(around: Around, contact: Text) -> Iterator[Finding]:
    """X was not in normal use, whatever the code says: "empty number" may mean that (cause-codes.md §5)."""
    if around.state is None or not _serves_nothing(around.state):
        return
    meaning = number_state(around.state.status).texts.meaning
    values = {
        "x": x_of(around),
        "contact": contact,
        "state": meaning,
        "told": beijing(around.state.at),
    }
    yield Finding("number.impaired", values, state_evidence(around.state), Confidence.POSSIBLE)


def account_frozen(around: Around, contact: Text) -> Iterator[Finding]:
    """The account was frozen; a pause of our own requests for arrears confirms it (billing-rules.md §7)."""
    evidence: tuple[Evidence, ...] = ()
    if around.pause is not None and around.pause.reason == _FROZEN:
        what = Text("our requests are paused for arrears until", "我方请求因欠费暂停至")
        evidence = (Evidence(what, beijing(around.pause.until), "pause"),)
    if around.state is not None:
        evidence += state_evidence(around.state)
    yield Finding("account.frozen", {"at": beijing(around.at), "contact": contact}, evidence)


def state_evidence(told: StateTold) -> tuple[Evidence, ...]:
    """A state as it was pushed."""
    meaning = number_state(told.status).texts.meaning
    cause = f" ({told.cause})" if told.cause else ""
    value = Text(f"{told.status}{cause}: {meaning.en}", f"{told.status}{cause}：{meaning.zh}")
    return (
        Evidence(Text("state of X that was pushed", "推送的 X 状态"), value, "number state"),
        Evidence(Text("pushed at", "推送时间"), beijing(told.at), "number state"),
    )


def _serves_nothing(told: StateTold | None) -> bool:
    return told is not None and number_state(told.status).in_service is False
