"""What the platform's console holds: accounts, applications and private numbers. Values, no behaviour."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

NumberType = Literal["virtual", "carrier"]


class Mode(StrEnum):
    """Mode of an application, fixed for life."""

    AX = "AX"
    AXB = "AXB"
    AXE = "AXE"
    AXYB = "AXYB"
    X = "X"


class NumberStatus(StrEnum):
    """State of an X number as it is pushed (numbers.md §3)."""

    NORMAL = "5"
    SUSPENDED = "9"
    UNAVAILABLE = "10"
    BINDING_FROZEN = "11"


class ConsoleState(StrEnum):
    """States that only the console shows; none of them is pushed (numbers.md §3, operations.md §6)."""

    IN_USE = "in_use"
    PENDING_REAL_NAME = "pending_real_name"
    TRANSFERRING = "transferring"
    RETURNED = "returned"


@dataclass(slots=True)
class Account:
    """A cloud account; ``frozen`` means arrears: every API of its applications is refused."""

    id: str = "default"
    frozen: bool = False
    frozen_since: datetime | None = None


@dataclass(frozen=True, slots=True)
class PushUrls:
    """Push addresses of an application; an empty one means that kind is not pushed (notifications.md §1)."""

    status: str = ""
    callin: str = ""
    fee: str = ""
    num_status: str = ""
    sms_notify: str = ""
    sms_control: str = ""


@dataclass(frozen=True, slots=True)
class Application:
    """What the console holds about one application (``app.*``). None instead of a list means "all"."""

    app_key: str
    secrets: tuple[str, ...] = field(repr=False)
    mode: Mode = Mode.AXB
    account: str = "default"
    status: str = "normal"
    urls: PushUrls = PushUrls()
    recording: bool = True
    sms: bool = True
    sms_content: bool = True
    commercial: bool = True
    push_num_status: bool = False
    ip_allowlist: tuple[str, ...] = ()
    caller_blacklist: frozenset[str] = frozenset()
    callee_blacklist: frozenset[str] = frozenset()
    registered_a: frozenset[str] | None = None
    voice_files: frozenset[str] | None = None
    axe_digits: int = 4
    axe_repeat_count: int = 3
    axe_callback_default: str = "none"
    """``none``, ``tone:<file>`` or ``number:<domestic number>``: a call-back without record (axe.md §2)."""
    sms_keywords: tuple[str, ...] = ()
    sms_forbidden_words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Number:
    """A private number X. ``cause`` only with status 10; the dates are Beijing dates."""

    x: str
    app_key: str
    area_code: str = "0755"
    number_type: NumberType = "virtual"
    status: NumberStatus = NumberStatus.NORMAL
    cause: str | None = None
    issued_on: date | None = None
    unsubscribed_on: date | None = None
    sms: bool = True
    console: ConsoleState = ConsoleState.IN_USE

    @property
    def deleted(self) -> bool:
        """Whether the number is gone for good: calls to it leave no trace (axb.md §6.2)."""
        by_status = self.status is NumberStatus.UNAVAILABLE and self.cause == "1"
        return by_status or self.console is ConsoleState.RETURNED

    @property
    def usable(self) -> bool:
        """Whether bindings on it may be changed and people reach each other through it (decisions 64, 65)."""
        dead = self.status in (NumberStatus.SUSPENDED, NumberStatus.UNAVAILABLE)
        return not dead and self.console is ConsoleState.IN_USE

    @property
    def bindable(self) -> bool:
        """Whether something new may be bound on it."""
        return self.usable and self.status is not NumberStatus.BINDING_FROZEN

    @property
    def released(self) -> bool:
        """Whether the platform took it for arrears (billing-rules.md §7)."""
        return self.console is ConsoleState.RETURNED and self.cause == "2"

    def owned_by(self, app_key: str) -> bool:
        """Tell whether it belongs to an application; a returned number belongs to nobody (decision 65)."""
        return self.app_key == app_key and self.console is not ConsoleState.RETURNED
