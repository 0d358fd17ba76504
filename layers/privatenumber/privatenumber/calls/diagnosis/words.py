"""Words of a diagnosis: moments as a support person expects them, lengths of time, the names of facts.

Times are told in Beijing time, named each time they are told (notifications.md §3): who reads them to a
customer must not have to count.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from privatenumber.codes.texts import Text
from privatenumber.times import BEIJING

CALL: Final = Text("call", "通话")
SMS: Final = Text("text message", "短信")
WHO: Final = {CALL: Text("caller", "主叫"), SMS: Text("sender", "发送方")}
"""Who makes a call, and who writes a text."""
UNKNOWN_X: Final = Text("the number that was dialled", "所拨号码")
EVENTS: Final = {
    "callin": Text("arrival (callin)", "呼入（callin）"),
    "collectInfo": Text("digits (collectInfo)", "收号（collectInfo）"),
    "callout": Text("second leg (callout)", "呼出（callout）"),
    "alerting": Text("ringing (alerting)", "振铃（alerting）"),
    "answer": Text("answer (answer)", "应答（answer）"),
    "disconnect": Text("hang-up (disconnect)", "挂机（disconnect）"),
}
_UNITS: Final = (
    (86_400, "day", "天"),
    (3_600, "hour", "小时"),
    (60, "minute", "分钟"),
    (1, "second", "秒"),
)
_SHOWN_UNITS: Final = 2


def plain(value: object) -> Text:
    """What reads the same in both languages."""
    return Text(str(value), str(value))


def beijing(moment: datetime) -> Text:
    """A moment to the second, with its zone."""
    shown = f"{moment.astimezone(BEIJING):%Y-%m-%d %H:%M:%S}"
    return Text(f"{shown} (Beijing time)", f"北京时间 {shown}")


def beijing_date(moment: datetime) -> Text:
    """The Beijing day of a moment."""
    shown = f"{moment.astimezone(BEIJING):%Y-%m-%d}"
    return Text(f"{shown} (Beijing time)", f"北京时间 {shown}")


def span(length: timedelta) -> Text:
    """A length of time in its two largest units: ``40 seconds``, ``2 hours 5 minutes``; never negative."""
    rest = max(int(length.total_seconds()), 0)
    if rest == 0:
        return Text("less than a second", "不到 1 秒")
    english, chinese = list[str](), list[str]()
    for size, unit, in_chinese in _UNITS:
        count, rest = divmod(rest, size)
        if count and len(english) < _SHOWN_UNITS:
            english.append(f"{count} {unit}{'s' if count > 1 else ''}")
            chinese.append(f"{count} {in_chinese}")
    return Text(" ".join(english), " ".join(chinese))


def between(start: datetime | None, end: datetime | None) -> Text:
    """The time from one moment to another, of which one may not be known."""
    if start is None or end is None:
        return Text("an unknown time", "时长未知")
    return span(end - start)


def minutes(count: int) -> Text:
    """A limit in minutes."""
    return Text(f"{count} minute{'s' if count != 1 else ''}", f"{count} 分钟")


def typed(digits: str) -> Text:
    """Digits of a caller, of which logs and answers show the last (numbers.md §6)."""
    if not digits:
        return Text("nothing", "未输入")
    return Text(f"***{digits[-1]} ({len(digits)} digits)", f"***{digits[-1]}（{len(digits)} 位）")


def listed(texts: Iterable[Text]) -> Text:
    """Several texts as one."""
    every = list(texts)
    return Text(", ".join(text.en for text in every), "、".join(text.zh for text in every))


def event_name(event: str) -> Text:
    """An event as people call it."""
    return EVENTS.get(event, plain(event))
