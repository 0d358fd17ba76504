"""What the admin API reads. Unknown members are refused, so that a misspelling is noticed."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import httpx
from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field

from emulator.bounds import FIRST_DAY, FIRST_MOMENT, LAST_DAY, LAST_MOMENT, WaitSeconds
from emulator.exports import ExportOptions
from emulator.settings import AddressBlock
from emulator.world import Application, ConsoleState, Mode, Number, NumberStatus, PushUrls
from privatenumber import phone


def _push_address(text: str) -> str:
    """notifications.md §2.7: http or https, no blanks; empty = that kind is not pushed."""
    if text and not _can_be_pushed_to(text):
        raise ValueError("a push address is http(s)://host[:port]/..., without blanks, or empty")
    return text


def _can_be_pushed_to(text: str) -> bool:
    """Read an address as the pusher will: what it cannot read must not wait for the first push."""
    try:
        address = httpx.URL(text)
    except (httpx.InvalidURL, ValueError):
        return False
    port = address.port if address.port is not None else 1
    blanks = any(sign.isspace() for sign in text)
    return not blanks and address.scheme in {"http", "https"} and bool(address.host) and 0 < port < 65_536


def private_number(text: str) -> str:
    """Return an X in global form; it may be given as dialled. ValueError: not of mobile form."""
    number = phone.normalise(text, field="number")
    if phone.kind(number) is not phone.NumberKind.MOBILE:
        raise ValueError("a private number always has the form of a mobile number")
    return number


def _emulated(moment: datetime) -> datetime:
    if not FIRST_MOMENT <= moment <= LAST_MOMENT:
        raise ValueError(f"the emulated clock runs from {FIRST_MOMENT.year} to {LAST_MOMENT.year}")
    return moment


PushAddress = Annotated[str, AfterValidator(_push_address)]
X = Annotated[str, AfterValidator(private_number)]
Moment = Annotated[AwareDatetime, AfterValidator(_emulated)]


class _Input(BaseModel):
    model_config = ConfigDict(extra="forbid")


class UrlsInput(_Input):
    """Push addresses (notifications.md §1)."""

    status: PushAddress = ""
    callin: PushAddress = ""
    fee: PushAddress = ""
    num_status: PushAddress = ""
    sms_notify: PushAddress = ""
    sms_control: PushAddress = ""


class ApplicationInput(_Input):
    """An application as the console would hold it; what is left out has its default."""

    secrets: Annotated[list[str], Field(min_length=1, max_length=2)]
    mode: Mode = Mode.AXB
    account: str = "default"
    status: str = "normal"
    urls: UrlsInput = UrlsInput()
    recording: bool = True
    sms: bool = True
    sms_content: bool = True
    commercial: bool = True
    push_num_status: bool = False
    ip_allowlist: list[AddressBlock] = []
    caller_blacklist: list[str] = []
    callee_blacklist: list[str] = []
    registered_a: list[str] | None = None
    voice_files: list[str] | None = None
    axe_digits: int = Field(4, ge=1, le=4)
    axe_repeat_count: int = Field(3, ge=0, le=9)
    axe_callback_default: Annotated[
        str, Field(pattern=r"^(none|tone:[0-9A-Za-z._@-]{1,128}|number:[0-9]{4,20})$")
    ] = "none"
    sms_keywords: list[str] = []
    sms_forbidden_words: list[str] = []

    def application(self, app_key: str) -> Application:
        """Return the application these settings describe."""
        return Application(
            app_key=app_key,
            secrets=tuple(self.secrets),
            mode=self.mode,
            account=self.account,
            status=self.status,
            urls=PushUrls(**self.urls.model_dump()),
            recording=self.recording,
            sms=self.sms,
            sms_content=self.sms_content,
            commercial=self.commercial,
            push_num_status=self.push_num_status,
            ip_allowlist=tuple(self.ip_allowlist),
            caller_blacklist=frozenset(self.caller_blacklist),
            callee_blacklist=frozenset(self.callee_blacklist),
            registered_a=None if self.registered_a is None else frozenset(self.registered_a),
            voice_files=None if self.voice_files is None else frozenset(self.voice_files),
            axe_digits=self.axe_digits,
            axe_repeat_count=self.axe_repeat_count,
            axe_callback_default=self.axe_callback_default,
            sms_keywords=tuple(self.sms_keywords),
            sms_forbidden_words=tuple(self.sms_forbidden_words),
        )


class NumberInput(_Input):
    """One X number; ``issued_on`` is a Beijing date, the day of issue when left out.

    ``activated`` false: it waits for its real-name registration. ``sms``: what it was ordered with.
    """

    number: X
    area_code: str = Field("0755", pattern=r"^0[0-9]{2,3}$")
    type: Literal["virtual", "carrier"] = "virtual"
    issued_on: Annotated[date, Field(ge=FIRST_DAY, le=LAST_DAY)] | None = None
    sms: bool = True
    activated: bool = True


class NumbersInput(_Input):
    """Numbers ordered for one application; they are issued ``issue_after_s`` later."""

    app_key: str
    numbers: Annotated[list[NumberInput], Field(min_length=1)]
    issue_after_s: WaitSeconds = 0

    def all(self) -> list[Number]:
        """Return the numbers in their first state."""
        return [
            Number(
                x=given.number,
                app_key=self.app_key,
                area_code=given.area_code,
                number_type=given.type,
                issued_on=given.issued_on,
                sms=given.sms,
                console=ConsoleState.IN_USE if given.activated else ConsoleState.PENDING_REAL_NAME,
            )
            for given in self.numbers
        ]


class StatusInput(_Input):
    """A new state of a number; ``cause`` only with status 10 (numbers.md §3)."""

    status: NumberStatus
    cause: str | None = None


class SmsSwitchInput(_Input):
    """SMS of a number, on or off."""

    on: bool


class TransferInput(_Input):
    """Whom a number goes to, and how many seconds it is on its way."""

    app_key: str
    takes_s: WaitSeconds = 0


class AccountInput(_Input):
    """Arrears on or off."""

    frozen: bool


class PackageInput(_Input):
    """How many minutes the package has that is bought, and how many of it (billing-rules.md §5)."""

    minutes: int = Field(ge=1)
    count: int = Field(1, ge=1, le=100)


class ClockInput(_Input):
    """Where the clock goes: only forward."""

    now: Moment


class AdvanceInput(_Input):
    """How far the clock goes."""

    seconds: float = Field(ge=0, allow_inf_nan=False)


class ResetInput(_Input):
    """How the emulator starts anew; ``settings`` replace all settings, ``seed`` only that one."""

    seed: int | None = None
    settings: dict[str, Any] | None = None
    now: Moment | None = None


def _split(text: object) -> object:
    return frozenset(filter(None, text.split(","))) if isinstance(text, str) else text


Price = Annotated[Decimal, Field(ge=0, le=1_000_000, decimal_places=6)]
Ids = Annotated[frozenset[str], BeforeValidator(_split)]
PrivateNumbers = Annotated[frozenset[Annotated[str, AfterValidator(private_number)]], BeforeValidator(_split)]
"""Lists in a query, separated by commas."""


class ExportInput(_Input):
    """Which file, and in which way it deviates from the truth as `ExportOptions` tells.

    ``omit_icid`` also takes ids of SMS (billing-rules.md §9.5).
    """

    month: Annotated[str, Field(pattern=r"^2[01][0-9]{2}-(0[1-9]|1[0-2])$")] | None = None
    encoding: Literal["utf-8", "utf-8-sig", "gb18030"] = "utf-8"
    headers: Literal["en", "zh"] = "en"
    masked: bool = False
    shift_hours: int = Field(0, ge=-24, le=24)
    omit_icid: Ids = frozenset()
    repeat: Ids = frozenset()
    redials: Ids = frozenset()
    stretched: Ids = frozenset()
    stretch_s: int = Field(60, ge=1, le=86_400)
    usage_time: Literal["end", "answer"] = "end"
    month_zone: Literal["beijing", "utc"] = "beijing"
    swapped: PrivateNumbers = frozenset()
    marker_counts: bool = False
    marker_billed: bool = False
    call_price: Price | None = None
    sms_price: Price | None = None
    rent_price: Price | None = None
    package_price: Price | None = None
    rounding: Literal["sum", "hour", "record"] = "sum"
    packages_ignored: bool = False
    delayed_rents: PrivateNumbers = frozenset()
    extra_rents: PrivateNumbers = frozenset()
    name_rents: bool = False
    discount_percent: int = Field(0, ge=0, le=100)

    def options(self) -> ExportOptions:
        """Return the deviations."""
        asked = self.model_dump(exclude={"month", "omit_icid"})
        return ExportOptions(omit=self.omit_icid, **asked)
