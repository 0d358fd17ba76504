"""A refusal or the end of a call as ordered plain sentences, for a support person (cause-codes.md §5).

Pure: texts in, texts out. What a sentence is drawn from, a code, never decides anything by itself.
"""

from typing import Final

from privatenumber.codes.causes import Cause, hangup, q850, teardown
from privatenumber.codes.checks import all_checks, checks_for
from privatenumber.codes.results import Outcome, explained, lookup
from privatenumber.codes.texts import Text, number_of, shown

_BINDING_APIS: Final = ("ax.", "axb.", "axe.", "axyb.")
_CALLEE: Final = "callee"


def explain_refusal(api: str, http_status: int, code: str | None) -> tuple[Text, ...]:
    """Meaning, cause and remedy of an answer, then what to check in this order (result-codes.md §8).

    ``code`` is the ``resultcode``, None when there was none. A code of no table is named as unknown, told
    by its status, and followed by every check. Terminate call and recordings have no checks.
    """
    result = lookup(http_status, code, api)
    texts = explained(http_status, code, api)
    if result.outcome is Outcome.OK:
        return (texts.meaning, texts.remedy)
    told = [texts.meaning, texts.cause, texts.remedy]
    if not result.known:
        told.insert(0, _unknown_answer(http_status, code))
    if api.startswith(_BINDING_APIS):
        told += [check.text for check in (checks_for(code or "") if result.known else all_checks())]
    return tuple(told)


def explain_call(
    state_code: int | str | None,
    q850_cause: int | str | None,
    teardown_point: int | str | None,
    sip: int | str | None,
) -> tuple[Text, ...]:
    """Why a call ended: of the CDR first, else of the hang-up event; then what the carriers said.

    Arguments are ``stateCode``, ``fwdUnaswRsn``, ``ulFailReason`` and ``sipStatusCode`` as they came, None
    where absent. Where event and CDR differ, both are shown and the CDR counts (cause-codes.md §2). The
    carrier's cause refines what is the callee's matter; a SIP status is only shown (§5).
    """
    main = teardown(teardown_point) if _given(teardown_point) else hangup(state_code)
    told = [main.texts.meaning, main.texts.cause, main.texts.remedy]
    if _given(teardown_point) and _given(state_code):
        event = hangup(state_code)
        if event.code != main.code:
            told.append(_differs(event))
    carrier = q850(q850_cause)
    if carrier.code != 0 and _given(q850_cause):
        told.append(_said(carrier, q850_cause))
        if main.group == _CALLEE and carrier.known:
            told += [carrier.texts.cause, carrier.texts.remedy]
    status = number_of(sip)
    if status:
        told.append(Text(f"The network's SIP status was {status}", f"网络返回的 SIP 状态码为 {status}"))
    return tuple(told)


def _given(code: int | str | None) -> bool:
    return code is not None and bool(str(code).strip())


def _unknown_answer(http_status: int, code: str | None) -> Text:
    named = shown(code)
    return Text(
        f"{named.en} with HTTP status {http_status}; our tables do not have it, so the status decides",
        f"{named.zh}，HTTP 状态码 {http_status}；表中没有该代码，按状态码判断",
    )


def _differs(event: Cause) -> Text:
    meaning = event.texts.meaning
    return Text(
        f"The hang-up event said otherwise: {meaning.en}. The CDR counts",
        f"挂机事件给出的原因不同：{meaning.zh}。以话单为准",
    )


def _said(carrier: Cause, code: int | str | None) -> Text:
    meaning = carrier.texts.meaning
    if not carrier.known:
        named = shown(code)
        return Text(f"The carrier's cause (Q.850): {named.en}", f"运营商给出的原因（Q.850）：{named.zh}")
    return Text(
        f"The carrier's cause (Q.850 {carrier.code}): {meaning.en}",
        f"运营商给出的原因（Q.850 {carrier.code}）：{meaning.zh}",
    )
