"""Why nobody was reached, by the history of bindings: never bound, over just before, another X or person.

Which codes ask for it stands in `causes`; a code alone says only that the platform found nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Final

from privatenumber.calls.diagnosis.binding_then import FAILED, REQUESTED, BindingThen, Part
from privatenumber.calls.diagnosis.case import Around, CallCase
from privatenumber.calls.diagnosis.model import Confidence, Evidence, Finding
from privatenumber.calls.diagnosis.words import CALL, UNKNOWN_X, WHO, beijing, plain, span
from privatenumber.codes.results import explained
from privatenumber.codes.texts import Text
from privatenumber.settings import Mode

#: People of a binding changed this long before a call may be why the caller is none of them.
_RECENT: Final = timedelta(days=7)
#: What ended longer ago explains less than a binding that lives on another X.
_STALE: Final = timedelta(hours=1)
#: Our record may be this much later than what happened at the platform.
ROUNDING: Final = timedelta(seconds=1)
_ENDINGS: Final = {
    "expired": "binding.expired",
    "idle": "binding.idle",
    "moved": "binding.moved",
    "lost": "binding.lost",
}
_ALLOWED: Final = {
    1: Text("only A may call", "只允许 A 呼叫"),
    2: Text("only the other side may call A", "只允许对方呼叫 A"),
    0: Text("both sides may call", "双方都可以呼叫"),
}
_STATES: Final = {
    "REQUESTED": Text("asked for, not confirmed", "已发起，未确认"),
    "ACTIVE": Text("in force", "有效"),
    "RELEASING": Text("being released", "正在解除"),
    "CLOSED": Text("ended", "已结束"),
    "FAILED": Text("refused", "绑定失败"),
}
_NOT_THERE: Final = Text("not made yet", "尚未建立")
_REASONS: Final = {
    "expired": Text("its time was over", "有效期已到"),
    "idle": Text("nobody called for as long as was agreed", "在约定时间内无人使用"),
    "deleted": Text("released on request", "按请求解除"),
    "lost": Text("the platform no longer had it", "平台上已不存在"),
    "refused": Text("the platform refused the other person", "平台拒绝了另一方"),
    "moved": Text("its order was moved to another X", "订单已迁移到另一个 X"),
}
_NO_Y: Final = Text("There was no number (Y) left for the other person", "没有可分配给对方的号码（Y）")
_NOT_CONFIRMED: Final = Text("It was never confirmed", "平台从未确认")


def x_of(around: Around) -> Text:
    """The private number of the case, as it is told."""
    return plain(around.x) if around.x else UNKNOWN_X


def unbound(around: Around, contact: Text) -> Iterator[Finding]:
    """Why there was no binding for the caller on X: what lies nearest in time explains it."""
    candidates = around.on_x if around.mode is Mode.AX else _intersection(around)
    alive = living(candidates)
    if alive:
        yield not_at_platform(around, alive[0], contact)
        return
    nearest = min(candidates, key=lambda one: (_distance(one, around.at), one.id), default=None)
    elsewhere = [one for one in living(around.mine) if around.x not in one.numbers]
    if nearest is not None and not (elsewhere and _distance(nearest, around.at) > _STALE):
        yield _nearest(around, nearest, contact)
    elif not elsewhere:
        yield _without(around, contact)
    for one in elsewhere[:1]:
        yield _elsewhere(around, one, contact)


def directed(case: CallCase) -> Iterator[Finding]:
    """The binding forbids the direction of the call (8016, or our own answer)."""
    around = case.around
    bound = case.binding or next(iter(living(_intersection(around) or around.on_x)), None)
    yield direction_forbidden(around, bound, CALL)


def direction_forbidden(around: Around, bound: BindingThen | None, contact: Text) -> Finding:
    """The direction of a binding, as it was at the moment."""
    unknown = Text("it allows one direction only", "只允许一个方向")
    allowed = _ALLOWED.get(bound.direction, unknown) if bound else unknown
    evidence = binding_evidence(bound) if bound else ()
    if bound:
        setting = Text(f"{bound.direction}: {allowed.en}", f"{bound.direction}：{allowed.zh}")
        evidence += (Evidence(Text("direction of the binding", "绑定的方向"), setting, bound.source),)
    return Finding(
        "direction.forbidden",
        {"x": x_of(around), "allowed": allowed, "contact": contact},
        evidence,
        Confidence.CERTAIN if bound else Confidence.LIKELY,
    )


def binding_evidence(one: BindingThen) -> tuple[Evidence, ...]:
    """What a binding says of itself; order ids and X are no people."""
    told = [
        (Text("order", "订单"), plain(one.order)),
        (Text("X of the binding", "绑定的 X"), plain(one.x)),
        (
            Text("state at that moment", "当时的状态"),
            _STATES.get(one.state, plain(one.state)) if one.state else _NOT_THERE,
        ),
    ]
    if one.bound_at:
        told.append((Text("bound at", "绑定时间"), beijing(one.bound_at)))
    if one.over_at:
        told.append((Text("ended at", "结束时间"), beijing(one.over_at)))
        told += _ended_by(one)
    if one.part is not None:
        part = Text("A", "A") if one.part is Part.A else Text("the other side", "另一方")
        told.append((Text("caller in it", "主叫身份"), part))
    return tuple(Evidence(what, value, one.source) for what, value in told)


def _intersection(around: Around) -> tuple[BindingThen, ...]:
    return tuple(one for one in around.on_x if one.part is not None)


def living(bindings: Iterable[BindingThen]) -> list[BindingThen]:
    """Those in force at the moment."""
    return [one for one in bindings if one.live]


def _without(around: Around, contact: Text) -> Finding:
    """Nothing of the caller's is known: somebody else's X, or nobody's."""
    strangers = [one for one in living(around.on_x) if one.part is None]
    if strangers:
        return _strangers(around, strangers, contact)
    counted = (
        (Text("bindings of this caller that were found", "查到的该主叫的绑定数"), around.mine),
        (
            Text("latest bindings on this number that were looked at", "查看过的该号码最近的绑定数"),
            around.on_x,
        ),
    )
    evidence = tuple(Evidence(what, plain(len(found)), "bindings table") for what, found in counted)
    values = {"x": x_of(around), "contact": contact, "who": WHO[contact]}
    return Finding("binding.never", values, evidence, Confidence.LIKELY)


def _elsewhere(around: Around, one: BindingThen, contact: Text) -> Finding:
    """The caller stands on another X; in AXYB the Y may be that of one who left (axyb.md §5, row 3)."""
    if around.mode is Mode.AXYB and _changed_lately(around, one):
        return _changed(around, one, contact, binding_evidence(one))
    return _other_x(around, one, contact)


def _distance(one: BindingThen, at: datetime) -> timedelta:
    """How far from the moment lies what explains it."""
    return abs(at - (_when(one, at) or one.created_at))


def _when(one: BindingThen, at: datetime) -> datetime | None:
    """When a binding that was not in force did what explains it: ended before, or came after."""
    if one.over_at and one.over_at <= at + ROUNDING:
        return one.over_at
    return one.bound_at or one.created_at


def _nearest(around: Around, one: BindingThen, contact: Text) -> Finding:
    values = {"x": plain(one.x), "contact": contact, "who": WHO[contact]}
    evidence = binding_evidence(one)
    if one.state_now == FAILED or one.reason == "refused":
        return bind_failed(around, one, contact)
    if one.over_at and one.over_at <= around.at + ROUNDING:
        identity = _ENDINGS.get(one.reason or "", "binding.released")
        values |= {"ended": beijing(one.over_at), "ago": span(around.at - one.over_at)}
        if identity == "binding.moved":
            values |= {"new_x": _new_x(around, one)}
        return Finding(identity, values, evidence)
    if one.state == REQUESTED:
        return Finding("binding.pending", values | {"at": beijing(around.at)}, evidence)
    bound = one.bound_at or one.created_at
    values |= {"bound": beijing(bound), "later": span(bound - around.at)}
    return Finding("binding.later", values, evidence)


def bind_failed(around: Around, one: BindingThen, contact: Text) -> Finding:
    """A bind that the platform refused, by its result code (result-codes.md §3)."""
    code = one.failure_code or ""
    texts = explained(403, code, f"{one.mode.lower()}.bind") if code.isdigit() else None
    reason = texts.meaning if texts else (_NO_Y if one.reason == "refused" else _NOT_CONFIRMED)
    remedy = texts.remedy if texts else Text("Look at the binding's history", "查看该绑定的历史")
    evidence = binding_evidence(one)
    if code:
        evidence += (Evidence(Text("result code of the bind", "绑定请求的结果码"), plain(code), one.source),)
    values = {"x": plain(one.x), "contact": contact, "reason": reason, "remedy": remedy}
    return Finding("binding.failed", values, evidence)


def not_at_platform(around: Around, one: BindingThen, contact: Text) -> Finding:
    """A binding that was in force by our record only."""
    values = {"x": plain(one.x), "contact": contact, "at": beijing(around.at)}
    return Finding("binding.not_at_platform", values, binding_evidence(one), Confidence.LIKELY)


def _other_x(around: Around, one: BindingThen, contact: Text) -> Finding:
    values = {"x": x_of(around), "other_x": plain(one.x), "who": WHO[contact]}
    return Finding("binding.other_x", values, binding_evidence(one))


def _strangers(around: Around, found: list[BindingThen], contact: Text) -> Finding:
    values = {"x": x_of(around), "contact": contact, "at": beijing(around.at), "who": WHO[contact]}
    evidence: tuple[Evidence, ...] = (
        Evidence(
            Text("living bindings on X without the caller", "X 上不含该主叫的有效绑定"),
            plain(len(found)),
            "bindings table",
        ),
    )
    if len(found) == 1:
        evidence += binding_evidence(found[0])
        if _changed_lately(around, found[0]):
            return _changed(around, found[0], contact, evidence)
    return Finding("binding.wrong_caller", values, evidence, Confidence.LIKELY)


def _changed_lately(around: Around, one: BindingThen) -> bool:
    changed = one.people_changed_at
    return changed is not None and around.at - changed < _RECENT


def _changed(around: Around, one: BindingThen, contact: Text, evidence: tuple[Evidence, ...]) -> Finding:
    changed = one.people_changed_at or around.at
    values = {
        "x": x_of(around),
        "contact": contact,
        "who": WHO[contact],
        "changed": beijing(changed),
        "ago": span(around.at - changed),
    }
    return Finding("binding.changed", values, evidence, Confidence.POSSIBLE)


def _new_x(around: Around, left: BindingThen) -> Text:
    """Where the order went; the binding there belongs to the same order."""
    for one in around.bindings:
        if one.order == left.order and one.id != left.id and one.x != left.x:
            return plain(one.x)
    return Text("another X", "另一个 X")


def _ended_by(one: BindingThen) -> Iterator[tuple[Text, Text]]:
    if one.reason:
        yield Text("why it ended", "结束原因"), _REASONS.get(one.reason, plain(one.reason))
    if one.by:
        yield Text("ended by", "由谁结束"), plain(one.by)
    if one.why:
        yield Text("in their own words", "其说明"), plain(one.why)
