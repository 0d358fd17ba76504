"""The members of every request: what passes, what only deployed clients send, what is refused.

numbers.md §1.2, §7.2 to §7.4 and the parameter table of each API.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from builders.contract import C

Values = tuple[Any, ...]


@dataclass(frozen=True)
class Member:
    """Values of one member: ``good`` always, ``deployed`` in lenient only, ``bad`` never."""

    good: Values = ()
    deployed: Values = ()
    bad: Values = ()
    needed: bool = False


def party(shortest: int, longest: int, *, needed: bool = False, good: Values = (C,)) -> Member:
    """A user's number (numbers.md §1.2)."""
    too_long = "1" * (longest + 1)
    too_short = ("1" * (shortest - 1),) if shortest > 1 else ()
    return Member(
        (*good, "+8675520000009", "+861062000001"),
        ("13800138009", "075520000001", "+8613800138", "+86075520000001", "1" * longest, 13800138009),
        (
            too_long,
            *too_short,
            "+86" + "1" * 30,
            "abc",
            "+8613800138OO1",
            "+85212345678",
            "+864001001380",
            "+8695500",
            "4001001380",
            True,
            ["+8613800138003"],
        ),
        needed,
    )


def integer(lowest: int, highest: int, *others: int) -> Member:
    """A whole number; signs and fractions are refused."""
    below = (lowest - 1, str(lowest - 1))
    good = (lowest, highest, *others)
    bad: Values = (
        *below,
        highest + 1,
        str(highest + 1),
        "one",
        1.5,
        float(highest),
        "+60",
        "60.0",
        True,
        [1],
        {},
    )
    return Member(good, tuple(str(value) for value in good), bad)


def life() -> Member:
    """Seconds: 0 or 60 to 7 776 000 (axyb.md §2)."""
    plain = integer(0, 7_776_000, 60, 3600)
    return Member(plain.good, plain.deployed, (*plain.bad, 1, 59, "59"))


FLAG = Member(
    ("true", "false"),
    (True, False, "TRUE", "False", 1, 0, "1", "0"),
    ("yes", "on", 2, -1, 1.0, [], ["true"], {}),
)
SWITCH = Member(("on", "off"), (True, False, "ON", "Off"), ("true", "yes", 1, 0, [], {}))
"""``on`` or ``off``: the lenient forms of a switch are cases and JSON Booleans."""
DIGIT = Member(("0", "1"), (0, 1), ("2", 2, "-1", "one", True, [], {}))
AREA = Member(("0755", "010", "0999", "no such place"), ("755", 755), ("0" * 33, True, [], {}))
USER_DATA = Member(
    ("order-1", "a" * 256, "x^y", " "),
    ('{"order":1}', "}", "订单", 12345),
    ("a" * 257, {"a": 1}, ["a"], True, "half a character \ud800"),
)
AXB_USER_DATA = Member(("order-1", "a" * 256), (*USER_DATA.deployed, "x^y"), USER_DATA.bad)


def tone() -> Member:
    """The name of a tone file (numbers.md §7.3)."""
    return Member(
        ("tone.wav", "A-b_c.9@", "a" * 128),
        (7,),
        ("a" * 129, "to ne.wav", "a/b.wav", "toné.wav", "a:b", True, [], {}),
    )


def x_number(longest: int, shortest: int = 1) -> Member:
    """A private number as locator; which numbers are the application's is another row's affair."""
    short = ("1" * (shortest - 1),) if shortest > 1 else ()
    return Member(bad=("1" * (longest + 1), *short, True, [], {}))


def text(longest: int) -> Member:
    """A text of that length."""
    return Member(bad=("a" * (longest + 1),))


AX_TERMS = {
    "maxDuration": integer(0, 1440, 1),
    "recordFlag": FLAG,
    "recordHintTone": tone(),
    "lastMinVoice": tone(),
    "privateSms": FLAG,
    "userData": USER_DATA,
    "turnFlag": SWITCH,
    "callDirection": integer(0, 2),
}
AXB_TERMS = {
    "callDirection": integer(0, 2),
    "duration": integer(0, 7_776_000, 1),
    "maxDuration": integer(0, 1440),
    "recordFlag": FLAG,
    "recordHintTone": tone(),
    "lastMinVoice": tone(),
    "privateSms": FLAG,
    "userData": AXB_USER_DATA,
}
AXE_TERMS = {
    "displayNumMode": DIGIT,
    "recordFlag": FLAG,
    "recordHintTone": tone(),
    "callbackTone": tone(),
    "callbackNum": party(1, 32),
    "timeUnit": DIGIT,
    "bindExpiredTime": integer(0, 720, 1),
}

MEMBERS: Mapping[str, Mapping[str, Member]] = {
    "ax.bind": {
        "origNum": party(1, 32, needed=True),
        "privateNum": x_number(32),
        "areaCode": AREA,
        "areaMatchMode": Member(bad=DIGIT.bad),
        "privateNumType": Member(("mobile-virtual",), (), ("fixed", "Mobile-Virtual", 1, [])),
        "calleeNumDisplay": DIGIT,
        **AX_TERMS,
    },
    "ax.modify": {"subscriptionId": text(64), "origNum": party(1, 32), "privateNum": Member(), **AX_TERMS},
    "ax.set_callee": {
        "subscriptionId": text(64),
        "calleeNum": Member(
            ("+8613800138009", "+8675520000009", "+864001001380", "+8695500"),
            ("13800138009", "4001001380", "95500", "1" * 31),
            ("1" * 32, "123", "abc", "+85212345678", True, []),
            needed=True,
        ),
        "duration": integer(1, 259_200, 60),
        "userData": USER_DATA,
    },
    "ax.unbind": {"subscriptionId": text(64)},
    "ax.query": {"subscriptionId": text(64)},
    "axb.bind": {
        "callerNum": party(4, 31, needed=True),
        "calleeNum": party(4, 31, needed=True),
        "relationNum": x_number(31, 4),
        "areaCode": AREA,
        "areaMatchMode": DIGIT,
        **AXB_TERMS,
    },
    "axb.modify": {
        "subscriptionId": Member(bad=("a" * 65, True, [], {}), needed=True),
        "callerNum": party(4, 31),
        "calleeNum": party(4, 31),
        **AXB_TERMS,
    },
    "axb.unbind": {"subscriptionId": text(64)},
    "axb.query": {"subscriptionId": text(64)},
    "axe.bind": {
        "bindNum": party(1, 32, needed=True),
        "virtualNum": x_number(32),
        "areaCode": AREA,
        "areaMatchMode": Member(bad=DIGIT.bad),
        "extendNum": Member(("0001", "9999"), (1234,), ("7", "00007", "0000", "abcd", "１２３４", True, [])),
        "callbackExpiredTime": integer(0, 720, 1),
        "userData": USER_DATA,
        **AXE_TERMS,
    },
    "axe.modify": {
        "subscriptionId": text(64),
        "callbackExpiredTime": integer(0, 720, 1),
        **AXE_TERMS,
    },
    "axe.unbind": {"subscriptionId": text(64)},
    "axe.query": {"subscriptionId": text(64)},
    "axyb.bind": {
        "origNum": party(1, 32, needed=True),
        "areaCode": Member(("0755",), ("755", 755), AREA.bad, needed=True),
        "areaMatchMode": DIGIT,
        "callDirection": integer(0, 2),
        "duration": life(),
        "ybDuration": life(),
        "recordFlag": FLAG,
        "recordHintTone": tone(),
        "preVoiceX": tone(),
        "preVoiceY": tone(),
        "userData": USER_DATA,
    },
    "axyb.bind_yb": {
        "subscriptionId": text(64),
        "origNum": party(1, 32, needed=True),
        "areaCode": Member(("0755",), ("755", 755), AREA.bad),
        "areaMatchMode": DIGIT,
        "ybDuration": life(),
        "preVoiceY": tone(),
        "userData": USER_DATA,
    },
    "axyb.unbind": {
        "subscriptionId": Member(bad=("a" * 65,), needed=True),
        "yNum": Member(bad=("abc", "1" * 33, "+85212345678")),
        "bNum": Member(bad=("abc", "1" * 33, "+85212345678")),
    },
    "axyb.query": {"subscriptionId": text(64)},
}
"""API -> member -> its values. What locates an X, and pairs of members, have tests of their own."""

RANGES_IN_MINUTES = {
    "bindExpiredTime": integer(0, 43_200, 721),
    "callbackExpiredTime": integer(0, 43_200, 721),
}
"""AXE times with ``timeUnit`` 1 (axe.md §2)."""
