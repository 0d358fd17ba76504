"""One way per mode: to whom an SMS to a private number goes, with which text (notifications.md §6.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType

from emulator.inventory import Mode, Number
from emulator.settings import EmulatorSettings
from emulator.smsrecord import ABNORMAL
from emulator.world import World
from privatenumber import phone

TO_A, FROM_A = 0, 1
"""``direction``: others or B text A; A texts (notifications.md §6.2)."""
_MARKED = re.compile(r"@(?:\+86)?(1[3-9][0-9]{9})\s*\Z")
"""``@B`` at the end of A's text, with the half-width character and nothing but blanks behind it."""


@dataclass(frozen=True, slots=True)
class SmsWay:
    """The way of one SMS. Without a ``receiver`` the customer's server is asked for one.

    ``bound``: a binding was found, where the mode has any; ``allowed``: its ``privateSms``.
    """

    text: str = field(repr=False)
    direction: int = ABNORMAL
    subscription_id: str | None = None
    user_data: str | None = None
    receiver: str | None = field(default=None, repr=False)
    bound: bool = True
    allowed: bool = True


@dataclass(frozen=True, slots=True)
class Arrived:
    """What arrived: on which number, from whom, when."""

    number: Number
    sender: str
    text: str
    at: datetime


Find = Callable[[World, EmulatorSettings, Arrived], SmsWay]


def axb_way(world: World, settings: EmulatorSettings, sms: Arrived) -> SmsWay:
    """A and B text each other."""
    binding = world.axb_of(sms.number.x, sms.sender, sms.at)
    if binding is None:
        return SmsWay(sms.text, bound=False)
    return SmsWay(
        sms.text,
        direction=FROM_A if sms.sender == binding.a else TO_A,
        subscription_id=binding.subscription_id,
        user_data=binding.user_data,
        receiver=binding.other(sms.sender),
        allowed=binding.private_sms,
    )


def ax_way(world: World, settings: EmulatorSettings, sms: Arrived) -> SmsWay:
    """A names the receiver behind the text, or the customer is asked; everybody else texts A."""
    binding = world.ax.on_x(sms.number.x)
    if binding is None:
        return SmsWay(sms.text, bound=False)
    from_a = sms.sender == binding.a
    marked = _MARKED.search(sms.text) if from_a else None
    receiver, text = binding.a, sms.text + _signature(sms.sender, settings)
    if from_a:
        receiver = "+86" + marked[1] if marked else ""
        text = sms.text[: marked.start()] if marked else sms.text
    return SmsWay(
        text,
        direction=FROM_A if from_a else TO_A,
        subscription_id=binding.subscription_id,
        user_data=binding.user_data,
        receiver=receiver or None,
        allowed=binding.private_sms is not False,
    )


def x_way(world: World, settings: EmulatorSettings, sms: Arrived) -> SmsWay:
    """The platform stores nothing: the customer's server is asked, ``direction`` is always 1."""
    return SmsWay(sms.text, direction=FROM_A)


WAYS: Mapping[Mode, Find] = MappingProxyType({Mode.AX: ax_way, Mode.AXB: axb_way, Mode.X: x_way})
"""The modes that know SMS."""


def _signature(sender: str, settings: EmulatorSettings) -> str:
    """What A reads of the sender, whose number is never shown otherwise."""
    national = settings.sms.from_suffix_number == "national"
    return f"[From{phone.national(sender) if national else sender}]"
