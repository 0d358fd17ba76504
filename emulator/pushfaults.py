"""Faults of pushes: what selects one, what it does to body, time and signature (notifications.md §11).

| kind | effect | params (defaults) |
|---|---|---|
| lose | never sent; a resend delivers it | - |
| duplicate | copies with the same body are sent as well | copies (1) |
| delay | first attempt later | hold_s (600) |
| reorder | first attempt at a random moment of a window: matching pushes are shuffled | window_s (60) |
| bad_signature | signed with a wrong secret | attempts (1): how many attempts are damaged |
| old_created | Created lies back | age_s (86400), attempts (1) |
| repeat_nonce | the nonce of the application's previous push | attempts (1) |
| wsse | signed by the old scheme | attempts (1) |
| drop_subscription_id | `subscriptionId` is sent empty, or left out with empty=false | empty (true) |
| integers_as_text | whole numbers are sent as strings | - |
| empty_times | times of stages that were not reached are sent as `""` | - |
| beijing_time | times of events are Beijing time | - |
| unknown_fields | members nobody knows are sent beside the others | - |
| unknown_event | `eventType` is one nobody knows | - |
"""

import copy
import random
from collections.abc import Callable, Container, Mapping
from types import MappingProxyType
from typing import Any

from emulator.deliveries import PushKind
from emulator.events import Body
from emulator.faults import Fault
from privatenumber.times import BEIJING, parse_time

DAMAGES = frozenset({"bad_signature", "old_created", "repeat_nonce", "wsse"})
UNKNOWN_EVENT = "futureEvent"
UNREACHED_TIMES = ("fwdStartTime", "fwdAlertingTime", "fwdAnswerTime", "failTime", "recordStartTime")


def facts_of(app_key: str, kind: PushKind, body: Body, private_numbers: Container[str]) -> dict[str, Any]:
    """Return what a fault can match: kind, application, event and, when the body has one subject, its ids.

    Names: `kind`, `application`, `event`, `session_id`, `icid`, `subscription_id`, `x`, `answered`, `sms`.
    """
    facts: dict[str, Any] = {"kind": kind, "application": app_key, "event": body.get("eventType")}
    if kind == "status":
        info = body["statusInfo"]
        facts |= {"session_id": info["sessionId"], "subscription_id": info.get("subscriptionId")}
        facts["x"] = _private_number(info, private_numbers)
    elif kind == "fee":
        entries = body["feeLst"]
        facts["icids"] = [entry["icid"] for entry in entries]
        facts["session_ids"] = [entry["sessionId"] for entry in entries]
        if len(entries) == 1:
            facts |= _record_facts(entries[0])
    elif kind in ("sms_notify", "sms_control"):
        sms = body["smsEvent"]
        facts |= {"event": sms["notificationMode"], "x": sms["virtualNumber"], "sms": sms["smsIdentifier"]}
        facts["subscription_id"] = sms.get("subscriptionId")
    else:
        facts["numbers"] = [info["number"] for info in body["numInfo"]]
        if len(facts["numbers"]) == 1:
            facts["x"] = facts["numbers"][0]
    return facts


def first_delay_s(fault: Fault | None, chance: random.Random) -> float:
    """Return how many seconds the first attempt is held back."""
    if fault is None:
        return 0.0
    if fault.kind == "delay":
        return float(fault.params.get("hold_s", 600))
    if fault.kind == "reorder":
        return chance.uniform(0, float(fault.params.get("window_s", 60)))
    return 0.0


def copies(fault: Fault | None) -> int:
    """Return how many extra copies of the push are sent."""
    return int(fault.params.get("copies", 1)) if fault is not None and fault.kind == "duplicate" else 0


def damage(fault: Fault | None, attempts_before: int) -> str | None:
    """Return the damage to the signature of the next attempt, if any."""
    if fault is None or fault.kind not in DAMAGES:
        return None
    return fault.kind if attempts_before < int(fault.params.get("attempts", 1)) else None


def _drop_subscription_id(subject: Body, fault: Fault) -> None:
    if "subscriptionId" in subject and fault.params.get("empty", True):
        subject["subscriptionId"] = ""
    else:
        subject.pop("subscriptionId", None)


def _integers_as_text(subject: Body, fault: Fault) -> None:
    for name, value in subject.items():
        if isinstance(value, int):
            subject[name] = str(value)


def _empty_times(subject: Body, fault: Fault) -> None:
    if "callInTime" in subject:
        for name in UNREACHED_TIMES:
            subject.setdefault(name, "")


def _beijing_time(subject: Body, fault: Fault) -> None:
    if "timestamp" in subject:
        moment = parse_time(subject["timestamp"]).astimezone(BEIJING)
        subject["timestamp"] = moment.strftime("%Y-%m-%d %H:%M:%S")


def _unknown_fields(subject: Body, fault: Fault) -> None:
    subject |= {"futureField": "value", "futureObject": {"member": [1, None]}}


ALTERATIONS: Mapping[str, Callable[[Body, Fault], None]] = MappingProxyType(
    {
        "drop_subscription_id": _drop_subscription_id,
        "integers_as_text": _integers_as_text,
        "empty_times": _empty_times,
        "beijing_time": _beijing_time,
        "unknown_fields": _unknown_fields,
    }
)
"""What changes each subject of a body: an event, an SMS, a CDR, a number."""


def altered(body: Body, fault: Fault | None) -> Body:
    """Return the body as it is sent under a fault that changes it; the given one stays as it is."""
    if fault is not None and fault.kind == "unknown_event":
        return {**body, "eventType": UNKNOWN_EVENT}
    if fault is None or fault.kind not in ALTERATIONS:
        return body
    changed = copy.deepcopy(body)
    single = changed.get("statusInfo") or changed.get("smsEvent") or {}
    for subject in changed.get("feeLst") or changed.get("numInfo") or [single]:
        ALTERATIONS[fault.kind](subject, fault)
    return changed


def _record_facts(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "session_id": entry["sessionId"],
        "icid": entry["icid"],
        "subscription_id": entry.get("subscriptionId"),
        "x": entry["bindNum"],
        "answered": "true" if "fwdAnswerTime" in entry else "false",
    }


def _private_number(info: Mapping[str, Any], private_numbers: Container[str]) -> str | None:
    shown = (info.get("called"), info.get("caller"))
    return next((number for number in shown if number in private_numbers), None)
